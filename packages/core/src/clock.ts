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
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const end = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      signal?.addEventListener('abort', end, { once: true })
    }),
}
