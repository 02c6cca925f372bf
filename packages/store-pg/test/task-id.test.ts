import { systemClock } from '@tasking/core'
import { expect, test } from 'vitest'
import { isTaskId, TaskIds } from '../src/task-id.ts'

// More than are made of one portion of random bytes, all within a millisecond.
const still = new TaskIds({ ...systemClock, now: () => new Date(1) })
const ids = Array.from({ length: 20_000 }, () => still.next())

test('ids are UUIDs of version 7 that tell the time', () => {
  const now = new Date('2026-01-01')
  const id = new TaskIds({ ...systemClock, now: () => now }).next()
  expect(isTaskId(id)).toBe(true)
  expect(id[14]).toBe('7')
  expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(now.getTime())
})

test('ids grow with time, and when a clock goes back', () => {
  const times = [5, 6, 4, 7]
  const made = new TaskIds({ ...systemClock, now: () => new Date(times.shift() ?? 0) })
  const four = [0, 1, 2, 3].map(() => made.next())
  expect(four.toSorted()).toEqual(four)
})

test('ids grow within a millisecond', () => {
  expect(ids.toSorted()).toEqual(ids)
})

test('no two ids have the same random end', () => {
  expect(new Set(ids.map((id) => id.slice(24))).size).toBe(ids.length)
})
