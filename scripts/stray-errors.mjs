// A reporter for what vitest's JSON report leaves out: errors that no test has waited for.
import { strayFailures } from './verdict.mjs'

export default class StrayErrors {
  /**
   * @param {unknown} _modules
   * @param {readonly import('./verdict.mjs').StrayError[]} errors
   */
  onTestRunEnd(_modules, errors) {
    for (const failure of strayFailures(errors)) console.log(failure)
  }
}
