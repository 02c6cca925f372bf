import { describe, expect, test, vi } from 'vitest'

import { pgBouncerAvailable, testServer } from '../src/index.ts'

describe('the way to a server', () => {
  test('is its own URL where nobody wants PgBouncer', async () => {
    const { entranceTo } = await entrance('')
    const { serverUrl } = testServer()
    await using way = await entranceTo(serverUrl)
    await way.ready()
    expect(way.url).toBe(serverUrl)
  })

  test.skipIf(!pgBouncerAvailable())('leads through PgBouncer where somebody does', async () => {
    const { entranceTo, pooled } = await entrance('1')
    expect(pooled).toBe(true)
    const { serverUrl } = testServer()
    await using way = await entranceTo(serverUrl)
    await way.ready()
    expect(new URL(way.url).port).not.toBe(new URL(serverUrl).port)
    expect(new URL(way.url).pathname).toBe(new URL(serverUrl).pathname)
  })
})

async function entrance(demand: string) {
  vi.resetModules()
  vi.stubEnv('TASKING_TEST_POOLER', demand)
  const module = await import('../src/entrance.ts')
  vi.unstubAllEnvs()
  return module
}
