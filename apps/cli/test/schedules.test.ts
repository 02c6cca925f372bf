import { createTasking, defineSchedule } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { useDatabase } from '@tasking/testbed'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { tasking as cli } from './cli-process.ts'
import { greet } from './fixtures/tasks.ts'

const database = useDatabase()
let tasking: Tasking

beforeAll(() => {
  tasking = createTasking({ store: pgStore({ url: database.url, listen: false }) })
})
afterEach(async () => {
  for (const { name } of await tasking.schedules.list()) await tasking.schedules.remove(name)
})
afterAll(() => tasking.close())

const schedules = (...args: string[]) => cli(['schedules', ...args], { url: database.url })

const greeting = defineSchedule({
  ...{ name: 'nightly', task: greet, input: { name: 'Ann' } },
  ...{ cron: '0 3 * * *', timeZone: 'Europe/Berlin' },
})

// Each of them starts several processes.
vi.setConfig({ testTimeout: 60_000 })

test('set makes schedules, from a definition or from flags', async () => {
  const when = ['--cron', '0 3 * * *', '--time-zone', 'Europe/Berlin']
  const at = ['--every', '6h', '--at', '2100-01-01T00:00:00+01:00']
  const own = ['--exclusive', 'heart', '--priority', '7', '--force']
  const [set] = await Promise.all([
    schedules('set', 'defined', 'greet', '{"name": "Ann"}', ...when, '--tasks', './tasks.ts'),
    schedules('set', 'beat', 'beat', ...at, ...own),
  ])
  expect(set).toMatchObject({ code: 0, stdout: expect.stringMatching(/^defined: in \d+/) })
  expect(await tasking.schedules.list()).toMatchObject([
    {
      timing: { everyMs: 21_600_000, at: '2099-12-31T23:00:00.000Z' },
      task: { name: 'beat', priority: 7, resources: { exclusive: ['heart'] } },
    },
    {
      timing: { cron: '0 3 * * *', timeZone: 'Europe/Berlin' },
      task: { queue: 'greetings', resources: { exclusive: ['person:Ann'], shared: ['language'] } },
    },
  ])
})

test('pause, run and resume', async () => {
  await tasking.schedules.set(greeting)
  expect((await schedules('pause', 'nightly')).stdout).toBe('nightly paused\n')
  const id = (await schedules('run', 'nightly')).stdout.trim()
  expect(await tasking.find(id)).toMatchObject({ input: { name: 'Ann' } })
  const [again, shown] = await Promise.all([
    schedules('run', 'nightly'),
    cli(['show', id], { url: database.url }),
  ])
  expect(again).toMatchObject({ stdout: `${id}\n`, stderr: expect.stringContaining('twin') })
  expect(shown.stdout).toMatch(/^schedule +nightly$/m)
  expect((await schedules('resume', 'nightly')).code).toBe(0)
  expect(await tasking.schedules.find('nightly')).toMatchObject({ pausedAt: null })
})

test('the list says when each is due, and what it dispatched last', async () => {
  const beat = { name: 'beat', task: greet, input: { name: 'Bo' }, every: '6h' } as const
  await tasking.schedules.set({ ...beat, at: new Date('2100-01-01T00:00:00Z') })
  await tasking.schedules.set(greeting)
  const { id } = await tasking.schedules.runNow('nightly')
  await tasking.schedules.pause('nightly')
  const [text, json] = await Promise.all([schedules(), schedules('--json')])
  const [head, ...rows] = text.stdout.trimEnd().split('\n')
  expect(head).toMatch(/^NAME +TASK +WHEN +NEXT +LAST +LAST TASK$/)
  expect(rows).toEqual([
    expect.stringMatching(/^beat +greet +every 6h +in \d+d \d+h$/),
    expect.stringMatching(`^nightly +greet +0 3 [* ]+ Europe/Berlin +paused +\\S+ ago +${id}$`),
  ])
  expect(JSON.parse(json.stdout)).toMatchObject([{ name: 'beat' }, { lastTaskId: id }])
})

test('what was removed is not found', async () => {
  await tasking.schedules.set(greeting)
  expect((await schedules('remove', 'nightly')).stdout).toBe('nightly removed\n')
  const none = await schedules('pause', 'nightly')
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('[schedule_not_found]') })
})

test.each([
  [['set', 'a', 'greet'], 'Say when it is due'],
  [['set', 'a', 'greet', '--cron', 'x'], 'cron: "x" is not a cron expression'],
  [['set', 'a', 'greet', '--cron', '0 3 * * *', '--every', '1h'], 'leave out --every'],
  [['set', 'a', 'greet', '--every', '1h', '--time-zone', 'UTC'], '--time-zone goes with --cron'],
  [['set', 'a', 'greet', '--at', '2100-01-01'], 'with its zone'],
  [['set', 'a', 'greet', '{}', '--every', '1h', '--tasks', './tasks.ts'], '[invalid_input]'],
  [['pause'], '[invalid_usage]'],
])('%j is wrong usage', async (args, message) => {
  const { code, stderr } = await schedules(...args)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) })
})
