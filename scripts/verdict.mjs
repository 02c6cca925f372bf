// What a test run amounts to, in lines that people and scripts can read.
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/**
 * The part of vitest's JSON report that is read here.
 * @typedef {object} Report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {readonly ReportedFile[]} testResults
 */

/** @typedef {{ name: string, status: string, message?: string, assertionResults: readonly ReportedTest[] }} ReportedFile */

/** @typedef {{ status: string, fullName: string, failureMessages?: readonly string[] | null }} ReportedTest */

/**
 * An error that no test has waited for, and the file that ran then.
 * @typedef {{ name?: string, message?: string, VITEST_TEST_PATH?: unknown }} StrayError
 */

/** @typedef {{ passed: number, failed: number, skipped: number }} Verdict */

/**
 * The runner's counts; whatever went wrong outside a test counts as a failure too.
 * @param {Report | undefined} report nothing when the runner died before it could write one
 * @param {number} code the runner's exit code
 * @returns {Verdict}
 */
export function verdict(report, code) {
  if (!report) return { passed: 0, failed: 1, skipped: 0 }
  const failed = report.numFailedTests + report.testResults.filter(failedAsWhole).length
  return {
    passed: report.numPassedTests,
    // An unhandled error, or the global set-up, fails the run without failing any test or file.
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/** @param {Verdict} verdict */
export function line({ passed, failed, skipped }) {
  const sum = `${passed} passed, ${failed} failed`
  return skipped > 0 ? `${sum}, ${skipped} skipped` : sum
}

/**
 * One line for each failure, so that the end of a long output still says what failed and how.
 * @param {Report | undefined} report
 * @returns {string[]}
 */
export function failures(report) {
  if (!report) return []
  return report.testResults.flatMap((file) => {
    const name = relative(process.cwd(), file.name)
    return [
      ...(failedAsWhole(file) ? [failure(name, file.message)] : []),
      ...file.assertionResults
        .filter(failed)
        .map((test) => failure(`${name}: ${test.fullName}`, test.failureMessages?.[0])),
    ]
  })
}

/**
 * @param {readonly StrayError[]} errors
 * @returns {string[]}
 */
export function strayFailures(errors) {
  return errors.map(({ name = 'Error', message, VITEST_TEST_PATH: path }) => {
    const file = typeof path === 'string' ? relative(process.cwd(), path) : 'somewhere'
    return failure(`${file}: outside of all tests`, `${name}: ${message}`)
  })
}

/**
 * @param {string} where
 * @param {string | undefined} message
 */
function failure(where, message = '') {
  const [first] = stripVTControlCharacters(message).split('\n', 1)
  return `failed: ${where}${first ? `: ${first}` : ''}`
}

/**
 * A file that can't be loaded, or whose hook fails, has failed without a failed test.
 * @param {ReportedFile} file
 */
function failedAsWhole(file) {
  return failed(file) && !file.assertionResults.some(failed)
}

/** @param {{ status: string }} result */
function failed({ status }) {
  return status === 'failed'
}
