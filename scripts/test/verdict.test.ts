import { join } from 'node:path'
import { expect, test } from 'vitest'
import { failures, line, strayFailures, verdict } from '../verdict.mjs'

const counts = { numPassedTests: 2, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 }
const name = join(process.cwd(), 'packages', 'a.test.ts')
const passed = { name, status: 'passed', assertionResults: [{ status: 'passed', fullName: 'a' }] }

function last(report: Parameters<typeof verdict>[0], code: number) {
  return line(verdict(report, code))
}

test('counts what the runner counted', () => {
  expect(last({ ...counts, testResults: [passed] }, 0)).toBe('2 passed, 0 failed')
  expect(last({ ...counts, numPendingTests: 1, numTodoTests: 2, testResults: [passed] }, 0)).toBe(
    '2 passed, 0 failed, 3 skipped',
  )
  const failed = {
    name,
    status: 'failed',
    assertionResults: [{ status: 'failed', fullName: 'b' }],
  }
  expect(last({ ...counts, numFailedTests: 1, testResults: [passed, failed] }, 1)).toBe(
    '2 passed, 1 failed',
  )
})

test('counts a file that could not be loaded as a failure', () => {
  const broken = { name, status: 'failed', assertionResults: [] }
  expect(last({ ...counts, testResults: [passed, broken] }, 1)).toBe('2 passed, 1 failed')
})

test('counts an error outside every test as a failure', () => {
  expect(last({ ...counts, testResults: [passed] }, 1)).toBe('2 passed, 1 failed')
})

test('counts a runner that left no report as a failure', () => {
  expect(last(undefined, 137)).toBe('0 passed, 1 failed')
})

test('says of each failure where it was and how it began', () => {
  const message = '\u001B[31mAssertionError\u001B[39m: expected 1 to be 2\n    at a.test.ts:3'
  const failed = {
    name,
    status: 'failed',
    assertionResults: [
      { status: 'passed', fullName: 'a' },
      { status: 'failed', fullName: 'a group b', failureMessages: [message] },
    ],
  }
  const broken = { name, status: 'failed', message: 'no such module\n', assertionResults: [] }

  expect(failures({ ...counts, testResults: [passed, failed, broken] })).toEqual([
    `failed: ${join('packages', 'a.test.ts')}: a group b: AssertionError: expected 1 to be 2`,
    `failed: ${join('packages', 'a.test.ts')}: no such module`,
  ])
  expect(failures(undefined)).toEqual([])
})

test('says of an error outside every test what it was, and in which file', () => {
  const error = { name: 'TypeError', message: 'no socket\nto write to' }
  expect(strayFailures([{ ...error, VITEST_TEST_PATH: name }, error])).toEqual([
    `failed: ${join('packages', 'a.test.ts')}: outside of all tests: TypeError: no socket`,
    'failed: somewhere: outside of all tests: TypeError: no socket',
  ])
})
