import { expect, test } from 'vitest'
import { findOverlaps, judge } from '../src/index.ts'
import type { Evidence, Run, WorkItem } from '../src/index.ts'

const items: WorkItem[] = [
  { index: 0, durationMs: 10, resources: { exclusive: ['r'], shared: [] } },
  { index: 1, durationMs: 10, resources: { exclusive: [], shared: ['r'] } },
  { index: 2, durationMs: 10, resources: { exclusive: [], shared: ['r'] } },
]

function run(index: number, startMs: number, endMs: number | undefined, pid = 1): Run {
  const ns = (ms: number) => BigInt(ms) * 1_000_000n
  return {
    ...{ index, pid, startNs: ns(startMs), startWallMs: startMs, endWallMs: endMs },
    endNs: endMs === undefined ? undefined : ns(endMs),
  }
}

function evidence(runs: Run[], rest: Partial<Evidence> = {}): Evidence {
  const outcomes = items.map(({ index }) => ({
    ...{ index, state: 'completed' as const, unblockedMs: 0, reason: null },
  }))
  return { items, runs, outcomes, deaths: new Map(), beganNs: 0n, slotsPerProcess: 1, ...rest }
}

test('one after the other, and shared ones together: fine', () => {
  const verdict = judge(evidence([run(0, 0, 10), run(1, 10, 30, 1), run(2, 10, 20, 2)]))
  expect(verdict).toMatchObject({
    completed: 3,
    overlaps: [],
    lost: [],
    failed: [],
    makespanMs: 30,
  })
})

test('an exclusive one beside a shared one: an overlap, with how long', () => {
  const { overlaps } = judge(evidence([run(0, 0, 10), run(1, 7, 30, 2), run(2, 11, 20, 3)]))
  expect(overlaps).toEqual([{ first: 0, second: 1, resources: ['r'], byMs: 3 }])
})

test('one that spans several others: an overlap with each of them', () => {
  const held = [run(0, 0, 100), run(1, 10, 20, 2), run(2, 30, 40, 3)].map((r) => ({
    ...{ index: r.index, startNs: r.startNs, endNs: r.endNs ?? 0n },
    resources: items[r.index]?.resources ?? { exclusive: [], shared: [] },
  }))
  expect(findOverlaps(held)).toHaveLength(2)
})

test('a task that ran twice at once: an overlap, whatever it reserves', () => {
  const { overlaps } = judge(evidence([run(1, 0, 10), run(1, 5, 15, 2)]))
  expect(overlaps).toHaveLength(1)
})

test('a run that died holds its resources until its process was dead', () => {
  const runs = [run(0, 0, undefined), run(1, 20, 30, 2)]
  const died = (ms: number) => ({ deaths: new Map([[1, BigInt(ms) * 1_000_000n]]) })
  expect(judge(evidence(runs, died(19))).overlaps).toEqual([])
  expect(judge(evidence(runs, died(21))).overlaps).toHaveLength(1)
})

test('lost: not final, or completed without having run to its end', () => {
  const lost = judge(
    evidence([run(0, 0, 10)], {
      outcomes: [
        { index: 0, state: 'completed', unblockedMs: 0, reason: null },
        { index: 1, state: 'running', unblockedMs: 0, reason: null },
        { index: 2, state: 'completed', unblockedMs: 0, reason: null },
      ],
    }),
  ).lost.map(({ index }) => index)
  expect(lost).toEqual([1, 2])
})

test('the pick-up delay counts from when a task could have started', () => {
  const outcomes = [0, 5, 5].map((unblockedMs, index) => ({
    ...{ index, state: 'completed' as const, unblockedMs, reason: null },
  }))
  // Task 0 starts 2 ms late; task 1 at once when the slot is free; task 2 3 ms after its turn.
  const runs = [run(0, 2, 12), run(1, 12, 20), run(2, 23, 30)]
  expect(judge(evidence(runs, { outcomes })).pickUp).toEqual({ medianMs: 2, p99Ms: 3 })
})
