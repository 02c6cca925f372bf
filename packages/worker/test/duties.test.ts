import { InvalidOptionError, MemoryStore, silentLogger } from '@tasking/core'
import type { HousekeepingReport, Store } from '@tasking/core'
import { describe, expect, test, vi } from 'vitest'

import { dutiesOf, dutySettings } from '../src/duties.ts'
import { forwardingStore } from './forwarding-store.ts'

const nothing: HousekeepingReport = { done: true, missingWorkers: [], lostTasks: 0, unblocked: 0 }

function setUp(report = nothing) {
  const housekeep = vi.fn<Store['housekeep']>(async () => report)
  const warn = vi.fn<() => void>()
  const onFound = vi.fn<() => void>()
  const store = forwardingStore(new MemoryStore(), { housekeep })
  const duties = dutiesOf(store, dutySettings({}, 30_000), { ...silentLogger, warn }, onFound)
  const run = (name: string) =>
    duties.find((duty) => duty.name === name)?.run(new AbortController().signal)
  return { housekeep, warn, onFound, run }
}

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
