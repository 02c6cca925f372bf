// What a test run amounts to, in one line that people and scripts can read.

/**
 * The part of vitest's JSON report that is read here.
 * @typedef {object} Report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {readonly { status: string, assertionResults: readonly { status: string }[] }[]} testResults
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
  // A file that can't be loaded, or whose hook fails, has failed without a failed test.
  const files = report.testResults.filter(
    (file) =>
      file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  const failed = report.numFailedTests + files.length
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
