import type { Clock } from '@tasking/core'
import { HandClock } from '@tasking/core/testing'
import { vi } from 'vitest'

/** A clock that `performance.now()` goes by as well. */
export function handClock(): HandClock {
  const clock = new HandClock()
  vi.spyOn(performance, 'now').mockImplementation(() => clock.elapsed)
  return clock
}

/** A clock on which no pause ends by itself: whoever sleeps must be woken. */
export const frozenClock: Clock = {
  now: () => new Date(),
  random: () => 0.5,
  sleep: (_ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      signal?.addEventListener('abort', () => resolve(), { once: true })
    }),
}
