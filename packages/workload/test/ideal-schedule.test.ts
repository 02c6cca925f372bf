import fc from 'fast-check'
import { expect, test } from 'vitest'
import { conflictsBetween } from '@tasking/core'
import { idealSchedule, makeWorkload } from '../src/index.ts'
import type { WorkItem } from '../src/index.ts'

const item = (index: number, durationMs: number, exclusive: string[], shared: string[] = []) =>
  ({ index, durationMs, resources: { exclusive, shared } }) satisfies WorkItem

test('tasks without conflicts fill the slots', () => {
  const items = Array.from({ length: 10 }, (_, n) => item(n, 100, [`r${n}`]))
  expect(idealSchedule(items, 4)).toEqual({ makespanMs: 300, mostAtOnce: 4 })
})

test('a chain takes as long as all its links, however many slots there are', () => {
  const items = Array.from({ length: 5 }, (_, n) => item(n, 100, ['r']))
  expect(idealSchedule(items, 8)).toEqual({ makespanMs: 500, mostAtOnce: 1 })
})

test('shared ones go together, between exclusive ones', () => {
  const items = [
    item(0, 100, ['r']),
    item(1, 100, [], ['r']),
    item(2, 300, [], ['r']),
    item(3, 100, ['r']),
    item(4, 100, [], ['r']),
  ]
  expect(idealSchedule(items, 8)).toEqual({ makespanMs: 600, mostAtOnce: 2 })
})

test('nothing to do takes no time', () => {
  expect(idealSchedule([], 8)).toEqual({ makespanMs: 0, mostAtOnce: 0 })
})

const workloads = fc
  .record({
    tasks: fc.integer({ min: 1, max: 40 }),
    resources: fc.integer({ min: 1, max: 8 }),
    resourcesPerTask: fc.integer({ min: 0, max: 3 }),
    sharedRatio: fc.constantFrom(0, 0.5, 1),
    durationMs: fc.constant(10),
    seed: fc.nat(),
  })
  .map(makeWorkload)

test('never better than the work divided by the slots, nor than the longest chain of a resource', () => {
  fc.assert(
    fc.property(workloads, fc.integer({ min: 1, max: 8 }), (items, slots) => {
      const { makespanMs, mostAtOnce } = idealSchedule(items, slots)
      expect(mostAtOnce).toBeLessThanOrEqual(slots)
      expect(makespanMs).toBeGreaterThanOrEqual((items.length * 10) / slots)
      expect(makespanMs).toBeLessThanOrEqual(items.length * 10)
      const exclusiveOn = (name: string) =>
        items.filter(({ resources }) => resources.exclusive.includes(name)).length
      const names = new Set(items.flatMap(({ resources }) => resources.exclusive))
      for (const name of names) expect(makespanMs).toBeGreaterThanOrEqual(exclusiveOn(name) * 10)
    }),
  )
})

test('with one slot it is a simple sum; without conflicts more slots never hurt', () => {
  fc.assert(
    fc.property(workloads, (items) => {
      expect(idealSchedule(items, 1).makespanMs).toBe(items.length * 10)
      const free = items.every((a) =>
        items.every((b) => a === b || conflictsBetween(a.resources, b.resources).length === 0),
      )
      if (free) expect(idealSchedule(items, items.length).makespanMs).toBe(10)
    }),
  )
})
