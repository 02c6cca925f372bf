import { defineTask } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { Scene } from './scene.ts'

const quick = defineTask({ name: 'quick', run: () => 'ran' })

describe.each([
  ['with wake-ups', true],
  ['by polling alone', false],
])('a delayed task in an idle system, %s', (_, listen) => {
  test('runs soon after it is due, and not before', async () => {
    await using scene = await Scene.open()
    // Housekeeping would find it as well, but not so soon.
    const housekeeping = { missing: '1h', sweep: '1h' } as const
    const { log } = await scene.startedWorker(scene.tasking([quick], { listen }), { housekeeping })
    await log.next('idle')
    const client = scene.tasking([], { listen })
    const handle = await client.dispatch(quick, undefined, { delay: '300ms' })
    expect(handle.outcome).toBe('scheduled')
    const { runAt, startedAt, state } = await handle.finished({ timeout: '20s' })
    expect(state).toBe('completed')
    const lateMs = (startedAt?.getTime() ?? 0) - (runAt?.getTime() ?? 0)
    expect(lateMs).toBeGreaterThanOrEqual(0)
    // Much less, unless the machine is busy.
    expect(lateMs).toBeLessThan(5_000)
  })
})

test('a task whose time has come while nobody was there runs when somebody is', async () => {
  await using scene = await Scene.open()
  const client = scene.tasking([])
  const handle = await client.dispatch(quick, undefined, { runAt: new Date(Date.now() + 20) })
  await scene.startedWorker(scene.tasking([quick]))
  expect(await handle.result({ timeout: '10s' })).toBe('ran')
})
