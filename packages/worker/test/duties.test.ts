import { InvalidOptionError, MemoryStore, silentLogger, systemClock } from '@tasking/core'
import type { HousekeepingReport, Store } from '@tasking/core'
import { describe, expect, test, vi } from 'vitest'

import { dutiesOf, dutySettings, purgeAges } from '../src/duties.ts'
import type { PurgePolicy } from '../src/duties.ts'
import type { WorkerEvent } from '../src/index.ts'
import { forwardingStore } from './forwarding-store.ts'

const nothing: HousekeepingReport = {
  ...{ done: true, missingWorkers: [], lostTasks: 0, unblocked: 0, nextDueMs: null },
}

const noon = new Date('2026-01-02T12:00:00Z')

function setUp(report = nothing, policy: PurgePolicy = {}) {
  const purge = purgeAges(policy)
  const purgeBatch = vi.fn<Store['purge']>(async () => ({ tasks: 1, next: undefined }))
  const clock = { ...systemClock, now: () => noon }
  const info = vi.fn<() => void>()
  const housekeep = vi.fn<Store['housekeep']>(async () => report)
  const warn = vi.fn<() => void>()
  const onEvent = vi.fn<(event: WorkerEvent) => void>()
  const onFound = vi.fn<() => void>()
  const onNextDue = vi.fn<(inMs: number | null) => void>()
  const store = forwardingStore(new MemoryStore(), { housekeep, purge: purgeBatch })
  const duties = dutiesOf({
    ...{ store, onEvent, onFound, onNextDue, purge, clock, duties: dutySettings({}, 30_000) },
    logger: { ...silentLogger, warn, info },
  })
  const run = (name: string) =>
    duties.find((duty) => duty.name === name)?.run(new AbortController().signal)
  return { store, onEvent, duties, purgeBatch, housekeep, info, warn, onFound, onNextDue, run }
}

test('housekeeping tells when the next task is due', async () => {
  const { run, onNextDue } = setUp({ ...nothing, nextDueMs: 700 })
  await run('missing')
  expect(onNextDue.mock.calls).toEqual([[700]])
})

describe('the periods of the duties', () => {
  test('have defaults, which a short TTL shortens', () => {
    expect(dutySettings({}, 30_000)).toMatchObject({ missing: 2_000, sweep: 10_000 })
    expect(dutySettings({}, 1_500)).toMatchObject({ missing: 500, sweep: 2_500 })
  })

  test('can be given', () => {
    expect(dutySettings({ missing: '1s', sweep: '1m' }, 30_000)).toMatchObject({
      missing: 1_000,
      sweep: 60_000,
    })
  })

  test.each([{ missing: 0 }, { sweep: 'often' as '1s' }, { dusting: '1s' }])(
    'are checked: %j',
    (periods) => {
      expect(() => dutySettings(periods, 30_000)).toThrow(InvalidOptionError)
    },
  )
})

test('lost wake-ups are looked for by the sweep alone', async () => {
  const { housekeep, run } = setUp()
  await run('missing')
  await run('sweep')
  expect(housekeep.mock.calls).toEqual([[{ sweep: false }], [{ sweep: true }]])
})

test('what was found is told, and there may be something to claim', async () => {
  const { warn, onFound, run } = setUp({ ...nothing, unblocked: 1 })
  expect(await run('sweep')).toEqual({ worked: true })
  expect(warn).toHaveBeenCalledOnce()
  expect(onFound).toHaveBeenCalledOnce()
})

test('where there was nothing, nothing is told', async () => {
  const { warn, onFound, run } = setUp()
  expect(await run('missing')).toEqual({ worked: false })
  expect(warn).not.toHaveBeenCalled()
  expect(onFound).not.toHaveBeenCalled()
})

describe('the policy of the purge', () => {
  test('says what is deleted, of each state its own', async () => {
    const { purgeBatch, info, run } = setUp(nothing, { failed: '1h', canceled: 0 })
    expect(await run('purge')).toEqual({ worked: true })
    expect(purgeBatch.mock.calls).toMatchObject([
      [{ state: 'failed', finishedBefore: new Date(noon.getTime() - 3_600_000) }],
      [{ state: 'canceled', finishedBefore: noon }],
    ])
    expect(info.mock.calls).toEqual([[{ purged: 2 }, 'purged finished tasks']])
  })

  test('is none unless it is given: then there is nothing to do', () => {
    expect(setUp().duties.map(({ name }) => name)).not.toContain('purge')
  })

  test.each([{ waiting: '1d' }, { completed: 'old' }])('is checked: %j', (policy) => {
    expect(() => purgeAges(policy as PurgePolicy)).toThrow(InvalidOptionError)
  })
})

test('what was measured is told', async () => {
  const { store, onEvent, run } = setUp()
  await run('metrics')
  expect(onEvent.mock.calls).toEqual([[{ kind: 'measured', metrics: await store.metrics() }]])
})
