import { expect, test } from 'vitest'
import { line, verdict } from '../verdict.mjs'

const counts = { numPassedTests: 2, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 }
const passed = { status: 'passed', assertionResults: [{ status: 'passed' }] }

function last(report: Parameters<typeof verdict>[0], code: number) {
  return line(verdict(report, code))
}

test('counts what the runner counted', () => {
  expect(last({ ...counts, testResults: [passed] }, 0)).toBe('2 passed, 0 failed')
  expect(last({ ...counts, numPendingTests: 1, numTodoTests: 2, testResults: [passed] }, 0)).toBe(
    '2 passed, 0 failed, 3 skipped',
  )
  const failed = { status: 'failed', assertionResults: [{ status: 'failed' }] }
  expect(last({ ...counts, numFailedTests: 1, testResults: [passed, failed] }, 1)).toBe(
    '2 passed, 1 failed',
  )
})

test('counts a file that could not be loaded as a failure', () => {
  const broken = { status: 'failed', assertionResults: [] }
  expect(last({ ...counts, testResults: [passed, broken] }, 1)).toBe('2 passed, 1 failed')
})

test('counts an error outside every test as a failure', () => {
  expect(last({ ...counts, testResults: [passed] }, 1)).toBe('2 passed, 1 failed')
})

test('counts a runner that left no report as a failure', () => {
  expect(last(undefined, 137)).toBe('0 passed, 1 failed')
})
