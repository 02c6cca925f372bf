import { milliseconds } from './duration.ts'
import type { Duration } from './duration.ts'
import { InvalidOptionError, TaskingError } from './errors.ts'
import type { Recovery } from './task.ts'

/** How long to wait before a task is tried again. */
export type Backoff =
  | { readonly kind: 'fixed'; readonly delay: Duration }
  | {
      readonly kind: 'exponential'
      /** Before the first time it is tried again. */
      readonly delay: Duration
      /** So many times as long before each time that follows. Default 2. */
      readonly factor?: number
      /** No longer than that. Default 1h. */
      readonly max?: Duration
    }
  /** @param attempt the number of the one that has failed, from 1 */
  | ((attempt: number, error: unknown) => Duration)

/** What becomes of a task whose handler fails. */
export interface RetryPolicy {
  /** How often it is tried again: with 3, its handler runs four times at most. */
  readonly limit: number
  /** Default: exponential from 1s on. */
  readonly backoff?: Backoff
  /** By which part of it each delay may be longer or shorter, from 0 to 1. Default 0.2. */
  readonly jitter?: number
  /** Whether this error is worth another attempt. Default: any is. */
  readonly retryable?: (error: unknown) => boolean
  /** Errors that are not, by their code or their class. */
  readonly except?: readonly (string | ErrorClass)[]
  /**
   * Keeps the task's places in line until it is tried again: whoever stands behind it waits that
   * long, too. Default false: the line moves on, and it comes back at the end.
   */
  readonly keepPlace?: boolean
}

type ErrorClass = abstract new (...args: never) => Error

/** Thrown by a handler to fail at once, however many attempts are left. */
export class NoRetryError extends TaskingError {
  constructor(message: string, options?: ErrorOptions) {
    super('no_retry', message, options)
  }
}

/** An attempt that has failed. */
export interface FailedAttempt {
  /** Its number, from 1. */
  readonly attempt: number
  readonly error: unknown
  /** Not by its handler's fault: its worker ended. */
  readonly interrupted?: boolean
}

const mostRetries = 1_000
const longestDelayMs = 36_525 * 86_400_000
const defaultBackoff: Backoff = { kind: 'exponential', delay: '1s' }
const defaultMax: Duration = '1h'
const defaultJitter = 0.2
// What was tried in vain will be so again: the input and the code are the same.
const hopelessCodes: ReadonlySet<unknown> = new Set([
  'no_retry',
  'invalid_input',
  'not_json',
  'handler_not_async',
  'decryption_failed',
])
// Nobody reads on after so many; the last one holds for the rest.
const mostRecoveryDelays = 20

/** @throws InvalidOptionError */
export function checkRetryPolicy(policy: RetryPolicy): void {
  const { limit, backoff, jitter = 0 } = policy
  if (!Number.isInteger(limit) || limit < 0 || limit > mostRetries) {
    throw new InvalidOptionError('retry.limit', limit, 'a whole number from 0 to 1,000')
  }
  if (!(jitter >= 0 && jitter <= 1)) {
    throw new InvalidOptionError('retry.jitter', jitter, 'a number from 0 to 1')
  }
  if (backoff === undefined || typeof backoff === 'function') return
  milliseconds(backoff.delay, 'retry.backoff.delay')
  if (backoff.kind === 'fixed') return
  if (backoff.kind !== 'exponential') {
    const { kind } = backoff as { kind: unknown }
    throw new InvalidOptionError('retry.backoff.kind', kind, 'one of fixed, exponential')
  }
  const { factor = 2, max = defaultMax } = backoff
  if (!(factor >= 1 && Number.isFinite(factor))) {
    throw new InvalidOptionError('retry.backoff.factor', factor, 'a number from 1 on')
  }
  milliseconds(max, 'retry.backoff.max')
}

/** Told of what a function of a policy has thrown. */
export type OnPolicyError = (rule: 'retryable' | 'backoff', error: unknown) => void

/**
 * In how many milliseconds a task is tried again, `undefined` if it isn't. Where `retryable` throws it
 * isn't; where `backoff` does, the default holds.
 * @param random from 0 to less than 1
 */
export function retryDelayMs(
  policy: RetryPolicy | undefined,
  { attempt, error, interrupted = false }: FailedAttempt,
  random: () => number,
  onPolicyError: OnPolicyError = () => undefined,
): number | undefined {
  if (policy === undefined || attempt > policy.limit) return undefined
  try {
    if (!interrupted && !isWorthIt(policy, error)) return undefined
  } catch (thrown) {
    onPolicyError('retryable', thrown)
    return undefined
  }
  const { jitter = defaultJitter } = policy
  const spread = 1 + jitter * (2 * random() - 1)
  const delayMs = delayOf(policy, attempt, error, onPolicyError)
  return Math.round(Math.min(delayMs * spread, longestDelayMs))
}

function delayOf(
  policy: RetryPolicy,
  attempt: number,
  error: unknown,
  onPolicyError: OnPolicyError,
): number {
  try {
    return backoffMs(policy, attempt, error)
  } catch (thrown) {
    onPolicyError('backoff', thrown)
    return backoffMs({ limit: policy.limit }, attempt, error)
  }
}

/** What a task carries of the policy, for when nobody is left who knows its definition. */
export function recoveryOf(policy: RetryPolicy): Recovery {
  const { limit, keepPlace = false } = policy
  const error = new TaskingError('worker_missing', 'The worker has gone missing.')
  const attempts = Array.from({ length: Math.min(limit, mostRecoveryDelays) }, (_, n) => n + 1)
  const delaysMs = attempts.flatMap(
    (attempt) => retryDelayMs(policy, { attempt, error, interrupted: true }, () => 0.5) ?? [],
  )
  return { limit, delaysMs, keepPlace }
}

function isWorthIt({ retryable, except = [] }: RetryPolicy, error: unknown): boolean {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  if (hopelessCodes.has(code)) return false
  const isExcepted = except.some((one) =>
    typeof one === 'string' ? one === code : error instanceof one,
  )
  return !isExcepted && (retryable?.(error) ?? true)
}

function backoffMs({ backoff = defaultBackoff }: RetryPolicy, attempt: number, error: unknown) {
  if (typeof backoff === 'function') return milliseconds(backoff(attempt, error), 'retry.backoff')
  const delayMs = milliseconds(backoff.delay, 'retry.backoff.delay')
  if (backoff.kind === 'fixed') return delayMs
  const { factor = 2, max = defaultMax } = backoff
  return Math.min(delayMs * factor ** (attempt - 1), milliseconds(max, 'retry.backoff.max'))
}
