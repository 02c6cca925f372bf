import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineTask } from '../src/definition.ts'
import { fireDueSchedules } from '../src/due-schedules.ts'
import { MemoryStore } from '../src/memory-store.ts'
import { defineSchedule } from '../src/schedules.ts'
import { createTasking } from '../src/client.ts'
import type { Tasking } from '../src/tasking.ts'
import { HandClock } from '../src/testing/index.ts'
import { Hands } from './hands.ts'

const sync = defineTask({
  name: 'sync',
  input: z.object({ repository: z.string() }),
  resources: ({ repository }) => ({ exclusive: [`repository:${repository}`] }),
  run: () => ({ synced: 1 }),
})
const idle = defineTask({ name: 'idle', run: () => undefined })

const hour = 3_600_000
let clock: HandClock
let tasking: Tasking

beforeEach(() => {
  // It stands at the beginning of 2026.
  clock = new HandClock()
  tasking = createTasking({ store: new MemoryStore({ clock }), clock, tasks: [sync, idle] })
})

const hourly = { name: 'hourly', task: sync, input: { repository: '42' }, every: '1h' } as const

describe('set', () => {
  test('checks the input and names the resources at once', async () => {
    const { schedules } = tasking
    const set = await schedules.set({ ...hourly, options: { priority: 3, timeout: '5m' } })
    expect(set).toMatchObject({
      nextAt: new Date('2026-01-01T01:00:00Z'),
      task: {
        ...{ name: 'sync', input: { repository: '42' }, queue: 'default', priority: 3 },
        resources: { exclusive: ['repository:42'], shared: [] },
        options: { timeoutMs: 300_000, schedule: 'hourly' },
      },
    })
    const wrong = { ...hourly, input: { repository: 42 as unknown as string } }
    await expect(schedules.set(wrong)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(schedules.set({ ...hourly, name: ' ' })).rejects.toMatchObject({ option: 'name' })
    expect(await schedules.list()).toEqual([set])
  })

  test('again and again, as programs do when they start, leaves it due when it was', async () => {
    const first = await tasking.schedules.set(hourly)
    clock.move(hour / 2)
    expect(await tasking.schedules.set(hourly)).toEqual(first)
    const { nextAt } = await tasking.schedules.set({ ...hourly, every: '2h' })
    expect(nextAt).toEqual(new Date('2026-01-01T02:30:00Z'))
  })
})

describe('firing what is due', () => {
  test('once for all that was missed, and says how long until the next time', async () => {
    const { store, schedules } = tasking
    await schedules.set(hourly)
    expect(await fireDueSchedules(store)).toMatchObject({ fired: 0, nextInMs: hour })
    clock.move(5.25 * hour)
    expect(await fireDueSchedules(store)).toMatchObject({ fired: 1, nextInMs: 0.75 * hour })
    expect(await fireDueSchedules(store)).toMatchObject({ fired: 0, nextInMs: 0.75 * hour })
    expect(await store.list()).toHaveLength(1)
  })

  test('passes a time over while the last task is unfinished', async () => {
    const { store, schedules } = tasking
    await schedules.set(hourly)
    clock.move(hour)
    await fireDueSchedules(store)
    clock.move(hour)
    expect(await fireDueSchedules(store)).toMatchObject({ fired: 0, skipped: 1, nextInMs: hour })
    expect(await schedules.find('hourly')).toMatchObject({ lastSkippedAt: clock.now() })
    const hands = await Hands.register(store, 'sync')
    await hands.complete(await hands.claim())
    clock.move(hour)
    expect(await fireDueSchedules(store)).toMatchObject({ fired: 1, skipped: 0 })
  })

  test('goes on with the others where one can not be fired', async () => {
    const { store, schedules } = tasking
    await schedules.set(hourly)
    await schedules.set({ name: 'broken', task: idle, cron: '0 * * * *' })
    const broken = await schedules.find('broken')
    // As from a program that knows more time zones.
    const timing = { cron: '0 * * * *', timeZone: 'Mars/Olympus' }
    await store.setSchedule({ ...broken, timing, nextAt: clock.now() })
    clock.move(hour)
    expect(await fireDueSchedules(store)).toMatchObject({
      fired: 1,
      failures: [{ schedule: 'broken', error: { code: 'invalid_option' } }],
    })
  })

  test('a single time comes once', async () => {
    const { store, schedules } = tasking
    const at = new Date('2026-01-01T12:00:00Z')
    await schedules.set({ name: 'once', task: idle, at })
    clock.move(12 * hour)
    expect(await fireDueSchedules(store)).toMatchObject({ fired: 1, nextInMs: undefined })
    expect(await schedules.set({ name: 'once', task: idle, at })).toMatchObject({ nextAt: null })
  })
})

describe('pause and resume', () => {
  test('what was missed is not made up for', async () => {
    const { store, schedules } = tasking
    await schedules.set(hourly)
    await schedules.set({ name: 'cron', task: idle, cron: '30 * * * *' })
    for (const name of ['hourly', 'cron']) await schedules.pause(name)
    expect(await schedules.pause('cron')).toMatchObject({ pausedAt: clock.now() })
    clock.move(3.75 * hour)
    expect(await fireDueSchedules(store)).toMatchObject({ fired: 0, nextInMs: undefined })
    expect(await schedules.resume('hourly')).toMatchObject({
      ...{ pausedAt: null, nextAt: new Date('2026-01-01T04:00:00Z') },
    })
    expect((await schedules.resume('cron')).nextAt).toEqual(new Date('2026-01-01T04:30:00Z'))
    expect(await fireDueSchedules(store)).toMatchObject({ fired: 0, nextInMs: hour / 4 })
  })

  test('a single time that came meanwhile does come', async () => {
    const { schedules } = tasking
    const at = new Date('2026-01-01T01:00:00Z')
    await schedules.set({ name: 'once', task: idle, at })
    await schedules.pause('once')
    clock.move(2 * hour)
    expect((await schedules.resume('once')).nextAt).toEqual(at)
  })
})

test('runNow dispatches it, or gives the task that is unfinished', async () => {
  const { schedules } = tasking
  const { nextAt } = await schedules.set(hourly)
  await schedules.pause('hourly')
  const first = await schedules.runNow('hourly')
  const second = await schedules.runNow('hourly')
  expect([first.outcome, second.outcome, second.id]).toEqual(['free', 'twin', first.id])
  expect(await first.load()).toMatchObject({ name: 'sync', options: { schedule: 'hourly' } })
  expect((await schedules.find('hourly')).nextAt).toEqual(nextAt)
})

test('one that is not there is not found', async () => {
  const { find, remove, pause, resume, runNow, set } = tasking.schedules
  for (const verb of [find, remove, pause, resume, runNow]) {
    await expect(verb('none')).rejects.toMatchObject({
      code: 'schedule_not_found',
      schedule: 'none',
    })
  }
  await set(hourly)
  await remove('hourly')
  await expect(find('hourly')).rejects.toMatchObject({ code: 'schedule_not_found' })
})

describe('declared schedules', () => {
  test('are there to be set, by a worker or by hand', async () => {
    const schedules = [defineSchedule(hourly), defineSchedule({ ...hourly, name: 'other' })]
    const other = createTasking({ store: tasking.store, clock, schedules })
    expect(await tasking.schedules.list()).toEqual([])
    for (const schedule of other.schedules.declared) await other.schedules.set(schedule)
    expect(await tasking.schedules.list()).toMatchObject([{ name: 'hourly' }, { name: 'other' }])
  })

  test('need names of their own', () => {
    const schedules = [defineSchedule(hourly), defineSchedule(hourly)]
    const create = () => createTasking({ store: tasking.store, schedules })
    expect(create).toThrow(expect.objectContaining({ option: 'schedules', value: 'hourly' }))
  })
})
