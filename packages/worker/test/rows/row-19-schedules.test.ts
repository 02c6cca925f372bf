import { fileURLToPath } from 'node:url'
import { createTasking, defineTask } from '@tasking/core'
import type { Task, Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { eventually, spawnNode, testDatabase } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'
import { Scene } from '../scene.ts'

const program = new URL('../../../../apps/worker/src/main.ts', import.meta.url)
const tasks = fileURLToPath(new URL('../fixtures/scheduled-tasks.ts', import.meta.url))
const tick = defineTask({ name: 'tick', resources: { exclusive: ['clock'] }, run: () => 'tock' })

const completed = (tasking: Tasking, name = 'tick') => tasking.list({ name, states: ['completed'] })

describe('row 19: schedules', () => {
  test('every worker tries, one dispatches; when one is killed, the other goes on', async () => {
    await using stack = new AsyncDisposableStack()
    const database = stack.use(await testDatabase())
    const store = pgStore({ url: database.url, listen: false })
    const tasking: Tasking = stack.use(createTasking({ store }))
    const args = ['--tasks', tasks, '--database-url', database.url, '--housekeeping']
    const workers = [1, 2].map(() => stack.use(spawnNode(program, [...args, 'schedules=200ms'])))
    await Promise.all(workers.map((worker) => worker.waitForLine(/"worker started"/)))
    const set = await tasking.schedules.set({ name: 'tick', task: tick, every: '1s' })
    const first = set.nextAt?.getTime() ?? 0
    await eventually(async () => (await completed(tasking)).length >= 2, {
      what: 'two ticks',
    })
    workers[0]?.kill('SIGKILL')
    const enough = async () => (await completed(tasking)).length >= 5
    await eventually(enough, { what: 'five ticks' })
    await tasking.schedules.pause('tick')
    const ticks = (await tasking.list({ name: 'tick' })).toReversed()
    // One that is late may be dispatched in the second of the next; two for one time would be ahead.
    for (const [nth, second] of secondsOf(ticks, first).entries()) {
      expect(second).toBeGreaterThanOrEqual(nth)
    }
    expect(ticks.every(({ options }) => options?.schedule === 'tick')).toBe(true)
  })

  test('a worker that is late finds that the time has been fired, also when its task has ended', async () => {
    await using scene = await Scene.open()
    const tasking = scene.tasking([tick])
    const { store, schedules } = tasking
    const { revision } = await schedules.set({ name: 'tick', task: tick, every: '1h' })
    const overdue = { name: 'tick', paused: false, nextAt: new Date(Date.now() - 1_000) }
    await store.planSchedule({ ...overdue, revision })
    const [seen] = (await store.dueSchedules()).due
    if (seen === undefined) throw new Error('not due')
    await scene.startedWorker(tasking, { housekeeping: { schedules: '100ms' } })
    await eventually(async () => (await completed(tasking)).length === 1, { what: 'the task' })
    const due = { revision: seen.revision, nextAt: new Date(Date.now() + 3_600_000) }
    const late = await store.fireSchedule({ name: 'tick', taskId: store.newId(), due })
    expect(late).toEqual({ kind: 'changed' })
    expect(await tasking.list({ name: 'tick' })).toHaveLength(1)
  })

  test('not again while the last one is unfinished', async () => {
    await using scene = await Scene.open()
    const gate = scene.gate()
    const slow = defineTask({ name: 'slow', run: () => gate.opened })
    const tasking = scene.tasking([slow])
    await scene.startedWorker(tasking, { housekeeping: { schedules: '100ms' }, concurrency: 4 })
    await tasking.schedules.set({ name: 'slow', task: slow, every: '1s' })
    const passedOver = async () => (await tasking.schedules.find('slow')).lastSkippedAt
    await eventually(passedOver, { what: 'a time to be passed over' })
    expect(await tasking.list({ name: 'slow' })).toHaveLength(1)
    gate.open()
    const again = async () => (await completed(tasking, 'slow')).length >= 2
    await eventually(again, { what: 'it to go on' })
  })

  test('after an outage one catch-up, never a burst', async () => {
    await using scene = await Scene.open()
    const tasking = scene.tasking([tick])
    const { store, schedules } = tasking
    await schedules.set({ name: 'tick', task: tick, every: '1h' })
    const before = await schedules.find('tick')
    // Nobody was there for three hours.
    const nextAt = new Date(Date.now() - 3.5 * 3_600_000)
    const { revision } = before
    await store.planSchedule({ name: 'tick', revision, paused: false, nextAt })
    await scene.startedWorker(tasking, { housekeeping: { schedules: '100ms' } })
    const caughtUp = async () => (await completed(tasking)).length > 0
    await eventually(caughtUp, { what: 'the catch-up' })
    const after = await schedules.find('tick')
    expect(after.nextAt).toEqual(new Date(nextAt.getTime() + 4 * 3_600_000))
    expect(await tasking.list({ name: 'tick' })).toHaveLength(1)
  })

  test('one-shot: soon after its time, though nothing else happens', async () => {
    await using scene = await Scene.open()
    const tasking = scene.tasking([tick])
    await tasking.schedules.set({ name: 'once', task: tick, at: new Date(Date.now() + 700) })
    await scene.startedWorker(tasking, { housekeeping: { schedules: '300ms' } })
    await eventually(async () => (await completed(tasking)).length === 1, { what: 'the task' })
    expect(await tasking.schedules.find('once')).toMatchObject({ nextAt: null })
  })

  test('what a task module declares is set by the worker that starts', async () => {
    await using stack = new AsyncDisposableStack()
    const database = stack.use(await testDatabase())
    const store = pgStore({ url: database.url, listen: false })
    const tasking: Tasking = stack.use(createTasking({ store }))
    const args = ['--tasks', tasks, '--database-url', database.url, '--housekeeping']
    stack.use(spawnNode(program, [...args, 'schedules=100ms']))
    const declared = async () => (await tasking.schedules.list()).length > 0
    await eventually(declared, { what: 'the schedule' })
    expect(await tasking.schedules.find('declared')).toMatchObject({
      timing: { cron: '0 3 * * 1', timeZone: 'Europe/Berlin' },
      task: { name: 'tick', resources: { exclusive: ['clock'], shared: [] } },
    })
  })
})

/** In which second of the schedule each task was dispatched. */
function secondsOf(ticks: readonly Task[], first: number): number[] {
  return ticks.map(({ dispatchedAt }) => Math.floor((dispatchedAt.getTime() - first) / 1_000))
}
