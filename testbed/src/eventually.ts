import { setTimeout as delay } from 'node:timers/promises'

export interface EventuallyOptions {
  /** What is waited for, in words for the error: "the task to be claimed". */
  readonly what: string
  /** In milliseconds; default 20 000. */
  readonly timeout?: number
}

const intervalMs = 15

/**
 * Polls until `check` gives something truthy, and gives that. For what sends no event only.
 *
 * @throws Error that names `what` after the timeout; its cause is what `check` threw last
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { what, timeout = 20_000 }: EventuallyOptions,
): Promise<Truthy<T>> {
  const deadline = Date.now() + timeout
  for (;;) {
    let last: { readonly value: T } | { readonly error: unknown }
    try {
      last = { value: await check() }
    } catch (error) {
      last = { error }
    }
    if ('value' in last && isTruthy(last.value)) return last.value
    if (Date.now() >= deadline) throw overdue(what, timeout, last)
    await delay(intervalMs)
  }
}

type Truthy<T> = Exclude<T, 0 | '' | false | null | undefined>

function isTruthy<T>(value: T): value is Truthy<T> {
  return Boolean(value)
}

function overdue(what: string, timeout: number, last: object): Error {
  const reason = 'error' in last ? `: ${String(last.error)}` : ''
  return new Error(
    `Waited ${timeout} ms in vain for ${what}${reason}`,
    'error' in last ? { cause: last.error } : {},
  )
}
