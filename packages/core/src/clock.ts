/** Where time and chance come from, so that tests can hold them. */
export interface Clock {
  now(): Date
  /**
   * Resolves after so many milliseconds, or at once when the signal aborts.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** From 0 to less than 1: spreads what many processes do over time. */
  random(): number
}

export const systemClock: Clock = {
  now: () => new Date(),
  random: () => Math.random(),
  async sleep(ms, signal) {
    let left = ms
    for (; left > longestTimerMs && !signal?.aborted; left -= longestTimerMs) {
      await timer(longestTimerMs, signal)
    }
    await timer(left, signal)
  },
}

// A longer one would ring at once.
const longestTimerMs = 2 ** 31 - 1

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const end = () => {
      clearTimeout(pending)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const pending = setTimeout(end, ms)
    signal?.addEventListener('abort', end, { once: true })
  })
}
