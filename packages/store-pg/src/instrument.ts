import type { Clock } from '@tasking/core'
import { isConflict, isUnavailable, translated } from './errors.ts'

/** One call of a store's verb, for metrics and traces. */
export interface VerbReport {
  readonly verb: string
  readonly durationMs: number
  /** How often it had to be repeated, after a lock cycle or a lost connection. */
  readonly repeats: number
  readonly error?: unknown
}

export interface Instrument {
  readonly clock: Clock
  readonly onVerb: ((report: VerbReport) => void) | undefined
  readonly address: string
  readonly schema: string
}

const mostRepeats = 20

/**
 * What may be repeated: `never` within a caller's transaction, which is lost with the first error;
 * `conflict` where PostgreSQL took everything back; `lost answer` where repeating what was carried
 * out changes nothing, so that a connection that had died unnoticed costs no error.
 */
export type Repeatable = 'never' | 'conflict' | 'lost answer'

/**
 * Runs a verb: repeats it where that helps and does no harm, turns driver
 * errors into Tasking's, and reports.
 */
export async function instrumented<T>(
  instrument: Instrument,
  verb: string,
  run: () => Promise<T>,
  repeatable: Repeatable,
): Promise<T> {
  const startedAt = performance.now()
  let repeats = 0
  const report = (error?: unknown) =>
    instrument.onVerb?.({
      verb,
      durationMs: performance.now() - startedAt,
      repeats,
      ...(error !== undefined && { error }),
    })
  for (;;) {
    try {
      const value = await run()
      report()
      return value
    } catch (error) {
      const conflict = repeatable !== 'never' && isConflict(error) && repeats < mostRepeats
      const lost = repeatable === 'lost answer' && isUnavailable(error) && repeats === 0
      if (conflict || lost) {
        repeats += 1
        await instrument.clock.sleep(instrument.clock.random() * Math.min(2 ** repeats, 100))
        continue
      }
      const better = translated(error, instrument)
      report(better)
      throw better
    }
  }
}
