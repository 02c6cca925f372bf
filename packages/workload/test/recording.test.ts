import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeWorkload, readRecordings, recordStart } from '../src/index.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tasking-recording-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

test('what was noted comes back; what never ended has no end', () => {
  const end = recordStart(directory, 7)
  recordStart(directory, 8)
  end()
  const [first, second] = readRecordings(directory)
  expect(first).toMatchObject({ index: 7, pid: process.pid })
  expect((first?.endNs ?? 0n) >= (first?.startNs ?? 1n)).toBe(true)
  expect(second).toMatchObject({ index: 8, endNs: undefined, endWallMs: undefined })
})

test('the same seed makes the same workload, another one another', () => {
  const options = {
    ...{ tasks: 50, resources: 20, resourcesPerTask: 2, sharedRatio: 0.5, durationMs: 1, seed: 3 },
  }
  expect(makeWorkload(options)).toEqual(makeWorkload(options))
  expect(makeWorkload({ ...options, seed: 4 })).not.toEqual(makeWorkload(options))
  for (const { resources } of makeWorkload(options)) {
    expect(resources.exclusive.length + resources.shared.length).toBe(2)
  }
})
