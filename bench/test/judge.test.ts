import type { Resources } from '@tasking/core'
import type { Run } from '@tasking/workload'
import { describe, expect, test } from 'vitest'
import type { DispatchEnd, LedgerEntry } from '../src/stress/dispatch-ledger.ts'
import { isSound, judgeStress } from '../src/stress/judge.ts'
import type { Faults, StoredTask, StressEvidence } from '../src/stress/judge.ts'

const ns = (ms: number) => BigInt(ms) * 1_000_000n

/** A dispatch of one task, from one millisecond to another. */
function dispatched(
  index: number,
  resources: Partial<Resources>,
  [fromMs, toMs]: readonly [number, number],
  end: DispatchEnd = 'kept',
): LedgerEntry {
  return {
    ...{ index, resources: { exclusive: [], shared: [], ...resources } },
    ...{ dispatch: `dispatch ${index}`, place: 0, end },
    beganNs: ns(fromMs),
    keptNs: end === 'kept' ? ns(toMs) : undefined,
  }
}

function ran(index: number, fromMs: number, toMs: number | undefined, pid = 1): Run {
  return {
    ...{ index, pid, startNs: ns(fromMs), startWallMs: fromMs, endWallMs: toMs },
    endNs: toMs === undefined ? undefined : ns(toMs),
  }
}

function stored(index: number, rest: Partial<StoredTask> = {}): StoredTask {
  return { index, state: 'completed', workerId: 'worker', errorCode: null, ...rest }
}

const exclusive = { exclusive: ['r'] }
const shared = { shared: ['r'] }
const counting = (amount: number) => ({ counted: [{ resource: 'r', amount, capacity: 4 }] })
const first = dispatched(0, exclusive, [0, 1])
const second = dispatched(1, exclusive, [2, 3])

function evidence(rest: Partial<StressEvidence>): StressEvidence {
  return {
    ...{ entries: [first, second], runs: [ran(0, 10, 20), ran(1, 20, 30)] },
    ...{ tasks: [stored(0), stored(1)], placesLeft: 0 },
    ...{ deaths: new Map(), deadWorkers: new Set() },
    ...rest,
  }
}

/** The faults that are there. */
function faultsOf(rest: Partial<StressEvidence>): Partial<Faults> {
  const verdict = judgeStress(evidence(rest))
  const found = Object.entries(verdict.faults).filter(([, list]: [string, readonly unknown[]]) => {
    return list.length > 0
  })
  expect(isSound(verdict)).toBe(found.length === 0)
  return Object.fromEntries(found)
}

test('one after the other is sound', () => {
  expect(faultsOf({})).toEqual({})
  expect(judgeStress(evidence({}))).toMatchObject({ stored: 2, completed: 2, canceled: 0 })
})

describe('overlaps', () => {
  test('of conflicting tasks', () => {
    expect(faultsOf({ runs: [ran(0, 10, 20), ran(1, 19, 30)] })).toEqual({
      overlaps: [{ first: 0, second: 1, resources: ['r'], byMs: 1 }],
    })
  })

  test('not of shared ones', () => {
    const entries = [dispatched(0, shared, [0, 1]), dispatched(1, shared, [2, 3])]
    expect(faultsOf({ entries, runs: [ran(0, 10, 20), ran(1, 19, 30)] })).toEqual({})
  })

  test('of a task whose process was killed, until it was dead', () => {
    const killed = {
      runs: [ran(0, 10, undefined, 7), ran(1, 20, 30)],
      tasks: [stored(0, { state: 'failed', errorCode: 'worker_missing' }), stored(1)],
      deadWorkers: new Set(['worker']),
    }
    expect(faultsOf({ ...killed, deaths: new Map([[7, ns(15)]]) })).toEqual({})
    expect(faultsOf({ ...killed, deaths: new Map([[7, ns(25)]]) })).toMatchObject({
      overlaps: [{ first: 0, second: 1, byMs: 5 }],
    })
  })
})

describe('counted resources', () => {
  const tasks = [0, 1, 2].map((index) => stored(index))
  const entries = (...amounts: readonly number[]) =>
    amounts.map((amount, index) => dispatched(index, counting(amount), [2 * index, 2 * index + 1]))
  const together = [ran(0, 10, 20), ran(1, 11, 20), ran(2, 19, 30)]

  test('overdrafts: three that fit in pairs only', () => {
    expect(faultsOf({ entries: entries(1, 1, 2), tasks, runs: together })).toEqual({})
    expect(faultsOf({ entries: entries(2, 2, 1), tasks, runs: together })).toEqual({
      overdrafts: [{ resource: 'r', units: 5, capacity: 4, tasks: [0, 1, 2] }],
    })
  })

  test('overdrafts: not of one that begins when another has ended', () => {
    const runs = [ran(0, 10, 19), ran(1, 11, 20), ran(2, 19, 30)]
    expect(faultsOf({ entries: entries(2, 2, 1), tasks, runs })).toEqual({})
  })

  test('overlaps: two that do not fit together', () => {
    const runs = [ran(0, 10, 20), ran(1, 11, 20)]
    expect(faultsOf({ entries: entries(3, 2), runs })).toEqual({
      overlaps: [{ first: 0, second: 1, resources: ['r'], byMs: 9 }],
    })
  })

  test('order: open among those who fit together', () => {
    const runs = [ran(2, 10, 11), ran(1, 12, 13), ran(0, 14, 15)]
    expect(faultsOf({ entries: entries(1, 1, 2), tasks, runs })).toEqual({})
  })

  test('order: a small one before those who leave nothing for it', () => {
    const runs = [ran(2, 10, 11), ran(1, 12, 13), ran(0, 14, 15)]
    expect(faultsOf({ entries: entries(2, 2, 1), tasks, runs })).toEqual({
      orderViolations: [{ resource: 'r', overtaken: 1, overtaking: 2 }],
    })
    const inOrder = [ran(0, 5, 6), ...runs.slice(0, 2)]
    expect(faultsOf({ entries: entries(2, 2, 1), tasks, runs: inOrder })).toEqual({})
  })

  test('order: within a batch', () => {
    const batch = entries(3, 2).map((entry, place) => ({ ...entry, dispatch: 'one', place }))
    const runs = [ran(1, 10, 11), ran(0, 12, 13)]
    expect(faultsOf({ entries: batch, runs })).toEqual({
      orderViolations: [{ resource: 'r', overtaken: 0, overtaking: 1 }],
    })
  })

  test('order: an exclusive one goes before and after like any', () => {
    const mixed = [dispatched(0, counting(1), [0, 1]), dispatched(1, exclusive, [2, 3])]
    const fault = { orderViolations: [{ resource: 'r', overtaken: 0, overtaking: 1 }] }
    const runs = [ran(1, 10, 20), ran(0, 20, 30)]
    expect(faultsOf({ entries: mixed, runs })).toEqual(fault)
    const other = [first, dispatched(1, counting(1), [2, 3])]
    expect(faultsOf({ entries: other, runs })).toEqual(fault)
  })
})

describe('order', () => {
  const overtaking = [ran(1, 10, 20), ran(0, 20, 30)]
  const fault = { orderViolations: [{ resource: 'r', overtaken: 0, overtaking: 1 }] }

  test('a later one before an earlier one', () => {
    expect(faultsOf({ runs: overtaking })).toEqual(fault)
  })

  test('is open between dispatches at the same time', () => {
    const entries = [dispatched(0, exclusive, [0, 3]), second]
    expect(faultsOf({ entries, runs: overtaking })).toEqual({})
  })

  test('is open where nobody was told that the earlier one is there', () => {
    const entries = [dispatched(0, exclusive, [0, 1], 'uncertain'), second]
    expect(faultsOf({ entries, runs: overtaking })).toEqual({})
  })

  test('is open between shared ones, and on different resources', () => {
    const sharing = [dispatched(0, shared, [0, 1]), dispatched(1, shared, [2, 3])]
    expect(faultsOf({ entries: sharing, runs: overtaking })).toEqual({})
    const apart = [first, dispatched(1, { exclusive: ['s'] }, [2, 3])]
    expect(faultsOf({ entries: apart, runs: overtaking })).toEqual({})
  })

  test.each([
    ['a shared one an exclusive one', exclusive, shared],
    ['an exclusive one a shared one', shared, exclusive],
  ])('%s', (_, before, after) => {
    const entries = [dispatched(0, before, [0, 1]), dispatched(1, after, [2, 3])]
    expect(faultsOf({ entries, runs: overtaking })).toEqual(fault)
  })

  test('within a batch', () => {
    const entries = [first, { ...first, index: 1, place: 1 }]
    expect(faultsOf({ entries, runs: overtaking })).toEqual(fault)
    expect(faultsOf({ entries, runs: [ran(0, 10, 20), ran(1, 20, 30)] })).toEqual({})
  })

  test('whoever else ran in between', () => {
    const entries = [
      first,
      dispatched(1, exclusive, [2, 3]),
      dispatched(2, shared, [4, 5]),
      dispatched(3, exclusive, [6, 7]),
    ]
    const runs = [ran(0, 10, 11), ran(3, 12, 13), ran(2, 14, 15), ran(1, 16, 17)]
    const tasks = [0, 1, 2, 3].map((index) => stored(index))
    const pairs = [
      { resource: 'r', overtaken: 1, overtaking: 2 },
      { resource: 'r', overtaken: 1, overtaking: 3 },
    ]
    expect(faultsOf({ entries, runs, tasks })).toEqual({ orderViolations: pairs })
  })
})

describe('what became of the tasks', () => {
  test.each(['waiting', 'running', 'canceling'] as const)('stuck: still %s', (state) => {
    const tasks = [stored(0), stored(1, { state })]
    expect(faultsOf({ tasks })).toEqual({ stuck: [`task 1, ${state}`] })
  })

  test('stuck: a place in line that belongs to nobody any more', () => {
    expect(faultsOf({ placesLeft: 3 })).toEqual({ stuck: ['3 places in line'] })
  })

  test('lost: dispatched and not there', () => {
    expect(faultsOf({ tasks: [stored(0)], runs: [ran(0, 10, 20)] })).toEqual({ lost: [1] })
  })

  test('lost: completed without having run to its end', () => {
    expect(faultsOf({ runs: [ran(0, 10, 20)] })).toEqual({ lost: [1] })
  })

  test('uncertain ones may be there or not', () => {
    const entries = [first, dispatched(1, exclusive, [2, 3], 'uncertain')]
    expect(faultsOf({ entries })).toEqual({})
    expect(faultsOf({ entries, tasks: [stored(0)], runs: [ran(0, 10, 20)] })).toEqual({})
  })

  test('repeated: run twice, even if not at the same time', () => {
    const runs = [ran(0, 10, 12), ran(0, 13, 15), ran(1, 20, 30)]
    expect(faultsOf({ runs })).toEqual({ repeated: [0] })
  })

  test('ghosts: rolled back and there all the same', () => {
    const entries = [first, dispatched(1, exclusive, [2, 3], 'rolled back')]
    expect(faultsOf({ entries })).toEqual({ ghosts: [1] })
    expect(faultsOf({ entries, tasks: [stored(0)] })).toEqual({ ghosts: [1] })
    expect(faultsOf({ entries, tasks: [stored(0)], runs: [ran(0, 10, 20)] })).toEqual({})
  })

  test('failed: only a dead worker explains it', () => {
    const missing = stored(1, { state: 'failed', errorCode: 'worker_missing' })
    const tasks = [stored(0), missing]
    expect(faultsOf({ tasks })).toEqual({ failed: [missing] })
    expect(faultsOf({ tasks, deadWorkers: new Set(['another']) })).toEqual({ failed: [missing] })
    expect(faultsOf({ tasks, deadWorkers: new Set(['worker']) })).toEqual({})
    const other = stored(1, { state: 'failed', errorCode: 'other' })
    const deadWorkers = new Set(['worker'])
    expect(faultsOf({ tasks: [stored(0), other], deadWorkers })).toEqual({ failed: [other] })
  })
})
