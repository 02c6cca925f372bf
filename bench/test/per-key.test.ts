import { expect, test } from 'vitest'
import { tasksByTurns } from '../src/plain-tasks.ts'
import type { RunNote } from '../src/processes/crew-member.ts'
import { faultsIn } from '../src/scenarios/per-key.ts'

// Tasks 0 and 2 have one key, 1 and 3 the other.
const tasks = tasksByTurns(4, 2)

test.each<[string, RunNote[], [overlaps: number, outOfOrder: number]]>([
  ['one after the other', [run(0, 1, 2), run(2, 2, 3), run(1, 1, 9)], [0, 0]],
  ['different keys at once', [run(0, 1, 5), run(1, 2, 3), run(3, 4, 6)], [0, 0]],
  ['one key at once', [run(0, 1, 5), run(2, 4, 6)], [1, 0]],
  ['a later one first', [run(2, 1, 2), run(0, 3, 4)], [0, 1]],
  ['one task twice', [run(0, 1, 5), run(0, 4, 6)], [1, 0]],
])('%s', (_, runs, [overlaps, outOfOrder]) => {
  expect(faultsIn(tasks, runs)).toEqual({ overlaps, 'out of order': outOfOrder })
})

function run(index: number, startNs: number, endNs: number): RunNote {
  return [index, startNs, endNs]
}
