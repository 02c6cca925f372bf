import { readdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

import { describe, test } from 'vitest'

import { disappearance, type Ending, spawnParent } from './parent-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { until } from './until.ts'

describe.concurrent('a server whose parent ends', () => {
  const endings: [Ending, number][] = [
    ['return', 0],
    ['throw', 1],
    ['stop', 0],
  ]
  test.for(endings)('disappears: %s', async ([ending, expected], { expect }) => {
    const parent = spawnParent(ending)
    const server = await parent.server
    expect(await parent.exit).toMatchObject({ code: expected })
    await disappearance(server)
  })

  const signals = ['SIGTERM', 'SIGKILL'] as const
  test.for(signals)('disappears: %s', async (signal, { expect }) => {
    const parent = spawnParent('stay')
    const server = await parent.server
    parent.child.kill(signal)
    expect(await parent.exit).toMatchObject({ code: null, signal })
    await disappearance(server)
  })

  test('leaves nothing behind when that happens during the start', async ({ expect }) => {
    await using temporary = await temporaryDirectory()
    const entries = (): Promise<string[]> => readdir(temporary.path)
    const parent = spawnParent('stay', { env: { TMPDIR: temporary.path } })
    await until(async () => (await entries()).length > 0, 'a directory for the server')
    await delay(300)
    parent.child.kill('SIGKILL')
    await parent.exit
    await until(async () => (await entries()).length === 0, 'the directory to be removed')
    expect(await entries()).toEqual([])
  })
})
