import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { blockersOf, conflictsBetween, modesConflict } from '../src/reservation.ts'
import type { Reserving } from '../src/reservation.ts'
import { normalizeResources } from '../src/resource.ts'

const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 })
const resources = fc.record({ exclusive: names, shared: names }).map(normalizeResources)

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

  test('names all tasks before that conflict, and no others', () => {
    fc.assert(
      fc.property(lineWithOne, ({ tasks, task }) => {
        const blockers = blockersOf(task, tasks)
        const before = tasks.filter(({ position }) => position < task.position)
        for (const other of before) {
          const conflict = conflictsBetween(task.resources, other.resources).length > 0
          expect(blockers.includes(other)).toBe(conflict)
        }
      }),
    )
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
