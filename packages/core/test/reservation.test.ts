import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { blockersOf, conflictsBetween, modesConflict, reservationsOf } from '../src/reservation.ts'
import type { Reserving } from '../src/reservation.ts'
import { normalizeResources } from '../src/resource.ts'
import type { Resources } from '../src/resource.ts'

const resourceNames = ['a', 'b', 'c', 'd'] as const
const names = fc.uniqueArray(fc.constantFrom(...resourceNames), { maxLength: 3 })
const capacity = 4
const counted = fc.uniqueArray(
  fc.record({
    resource: fc.constantFrom(...resourceNames),
    amount: fc.integer({ min: 1, max: capacity }),
    capacity: fc.constant(capacity),
  }),
  { maxLength: 2, selector: ({ resource }) => resource },
)
const resources = fc.record({ exclusive: names, shared: names, counted }).map(normalizeResources)

/** A line of tasks at four resources; the positions are unique and in no order. */
const line: fc.Arbitrary<Reserving[]> = fc.uniqueArray(
  fc.record({ position: fc.bigInt(1n, 40n), resources }),
  { selector: ({ position }) => position, maxLength: 12 },
)
const lineWithOne = line
  .filter((tasks) => tasks.length > 0)
  .chain((tasks) => fc.record({ tasks: fc.constant(tasks), task: fc.constantFrom(...tasks) }))

describe('modesConflict', () => {
  test.each([
    ['exclusive', 'exclusive', true],
    ['exclusive', 'shared', true],
    ['shared', 'exclusive', true],
    ['shared', 'shared', false],
    ['counted', 'exclusive', true],
    ['exclusive', 'counted', true],
    ['counted', 'shared', false],
    ['shared', 'counted', false],
    ['counted', 'counted', false],
  ] as const)('%s and %s: %s', (a, b, conflict) => {
    expect(modesConflict(a, b)).toBe(conflict)
  })
})

describe('conflictsBetween', () => {
  test('names the resources on which two requests exclude each other', () => {
    const a = { exclusive: ['x', 'y'], shared: ['s', 't'] }
    const b = { exclusive: ['t', 'y'], shared: ['s', 'x'] }
    expect(conflictsBetween(a, b).toSorted()).toEqual(['t', 'x', 'y'])
  })

  test.each([
    [2, 2, 4, false],
    [3, 2, 4, true],
    [4, 4, 4, true],
    [1, 1, 1, true],
  ])('%d and %d of %d units: %s', (a, b, units, conflict) => {
    const asking = (amount: number) =>
      normalizeResources({ counted: [{ resource: 'gpu', amount, capacity: units }] })
    expect(conflictsBetween(asking(a), asking(b))).toEqual(conflict ? ['gpu'] : [])
  })

  test('goes by the smaller of two capacities', () => {
    const asking = (amount: number, units: number) =>
      normalizeResources({ counted: [{ resource: 'gpu', amount, capacity: units }] })
    expect(conflictsBetween(asking(2, 3), asking(2, 9))).toEqual(['gpu'])
    expect(conflictsBetween(asking(2, 9), asking(2, 3))).toEqual(['gpu'])
  })

  test('is symmetric', () => {
    fc.assert(
      fc.property(resources, resources, (a, b) => {
        expect(conflictsBetween(a, b).toSorted()).toEqual(conflictsBetween(b, a).toSorted())
      }),
    )
  })

  test('is empty for requests without a common resource', () => {
    const others = fc
      .record({
        exclusive: fc.uniqueArray(fc.constantFrom('e', 'f')),
        shared: fc.uniqueArray(fc.constantFrom('e', 'f', 'g')),
      })
      .map(normalizeResources)
    fc.assert(fc.property(resources, others, (a, b) => conflictsBetween(a, b).length === 0))
  })

  test('is empty between requests that only share', () => {
    fc.assert(
      fc.property(names, names, (a, b) => {
        const sharing = (shared: readonly string[]) => ({ exclusive: [], shared })
        expect(conflictsBetween(sharing(a), sharing(b))).toEqual([])
      }),
    )
  })
})

describe('blockersOf', () => {
  test('finds whatever conflicts and stands before, wherever it is in the list', () => {
    const exclusive = (position: bigint, name: string): Reserving => ({
      position,
      resources: { exclusive: [name], shared: [] },
    })
    const [first, other, task, after] = [
      exclusive(1n, 'a'),
      exclusive(2n, 'b'),
      exclusive(3n, 'a'),
      exclusive(4n, 'a'),
    ] as const
    expect(blockersOf(task, [after, task, other, first])).toEqual([first])
  })

  test('names only tasks that stand before', () => {
    fc.assert(
      fc.property(lineWithOne, ({ tasks, task }) =>
        blockersOf(task, tasks).every(({ position }) => position < task.position),
      ),
    )
  })

  test('names all tasks before that conflict, and where too little is left all that count', () => {
    fc.assert(
      fc.property(lineWithOne, ({ tasks, task }) => {
        const blockers = blockersOf(task, tasks)
        const before = tasks.filter(({ position }) => position < task.position)
        const full = resourceNames.filter((name) => {
          const units = unitsAt(task.resources, name)
          return units > 0 && sumAt(before, name) + units > capacity
        })
        for (const other of before) {
          const conflict = conflictsBetween(task.resources, other.resources).length > 0
          const counts = full.some((name) => unitsAt(other.resources, name) > 0)
          expect(blockers.includes(other)).toBe(conflict || counts)
        }
      }),
    )
  })

  test('never lets more units be taken than there are', () => {
    fc.assert(
      fc.property(line, (tasks) => {
        const free = tasks.filter((task) => blockersOf(task, tasks).length === 0)
        for (const name of resourceNames) {
          expect(sumAt(free, name)).toBeLessThanOrEqual(capacity)
        }
      }),
    )
  })

  test('keeps a small counted task behind a larger one that waits', () => {
    const asking = (position: bigint, amount: number): Reserving => ({
      position,
      resources: normalizeResources({ counted: [{ resource: 'gpu', amount, capacity: 8 }] }),
    })
    const [running, large, small] = [asking(1n, 6), asking(2n, 4), asking(3n, 1)]
    expect(blockersOf(large, [running, large, small])).toEqual([running])
    expect(blockersOf(small, [running, large, small])).toEqual([running, large])
    expect(blockersOf(small, [large, small])).toEqual([])
  })

  test('gets no longer when a task leaves the line', () => {
    fc.assert(
      fc.property(lineWithOne, fc.nat(), ({ tasks, task }, index) => {
        const left = tasks.filter((_, i) => i !== index % tasks.length)
        const before = blockersOf(task, tasks)
        expect(blockersOf(task, left).every((blocker) => before.includes(blocker))).toBe(true)
      }),
    )
  })

  test('does not change when a task joins the line behind', () => {
    fc.assert(
      fc.property(lineWithOne, resources, ({ tasks, task }, late) => {
        const joined = [{ position: 41n, resources: late }, ...tasks]
        expect(blockersOf(task, joined)).toEqual(blockersOf(task, tasks))
      }),
    )
  })

  test('keeps a shared task behind an exclusive one that only waits', () => {
    fc.assert(
      fc.property(lineWithOne, ({ tasks, task }) => {
        const shared = { position: 50n, resources: { exclusive: [], shared: ['a'] } }
        const exclusive = { position: 45n, resources: { exclusive: ['a'], shared: [] } }
        // Whatever stands before the exclusive one and keeps it waiting.
        expect(blockersOf(shared, [...tasks, task, exclusive, shared])).toContain(exclusive)
      }),
    )
  })

  test('never leaves two tasks free that conflict', () => {
    fc.assert(
      fc.property(line, (tasks) => {
        const free = tasks.filter((task) => blockersOf(task, tasks).length === 0)
        for (const a of free) {
          for (const b of free) {
            if (a !== b) expect(conflictsBetween(a.resources, b.resources)).toEqual([])
          }
        }
      }),
    )
  })

  test('lets every line drain, in whatever order free tasks end', () => {
    fc.assert(
      fc.property(line, fc.infiniteStream(fc.nat()), (tasks, choices) => {
        let left = tasks
        while (left.length > 0) {
          const free = left.filter((task) => blockersOf(task, left).length === 0)
          expect(free).not.toEqual([])
          const ended = free[Number(choices.next().value) % free.length]
          left = left.filter((task) => task !== ended)
        }
      }),
    )
  })
})

describe('reservationsOf', () => {
  test('gives each resource once, the strongest mode first', () => {
    const request = normalizeResources({
      ...{ exclusive: ['b', 'a'], shared: ['c', 'a'] },
      counted: [{ resource: 'd', amount: 2, capacity: 3 }],
    })
    const uncounted = { amount: 0, capacity: Infinity }
    expect(reservationsOf(request)).toEqual([
      { resource: 'a', mode: 'exclusive', ...uncounted },
      { resource: 'b', mode: 'exclusive', ...uncounted },
      { resource: 'd', mode: 'counted', amount: 2, capacity: 3 },
      { resource: 'c', mode: 'shared', ...uncounted },
    ])
  })
})

function unitsAt({ counted: counts = [] }: Resources, name: string): number {
  return counts.find(({ resource }) => resource === name)?.amount ?? 0
}

function sumAt(tasks: readonly Reserving[], name: string): number {
  return tasks.reduce((sum, task) => sum + unitsAt(task.resources, name), 0)
}
