export {
  assertDispatched,
  assertNotDispatched,
  DispatchAssertionError,
} from './assert-dispatched.ts'
export type { Expectation, PartOf } from './assert-dispatched.ts'
export { HandClock, settled } from './hand-clock.ts'
