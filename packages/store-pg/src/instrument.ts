import type { Clock } from '@tasking/core'
import { isRepeatable, translated } from './errors.ts'

/** One call of a store's verb, for metrics and traces. */
export interface VerbReport {
  readonly verb: string
  readonly durationMs: number
  /** How often it had to be repeated because PostgreSQL broke a lock cycle. */
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
 * Runs a verb: repeats it where PostgreSQL says that a repetition will get through, turns driver
 * errors into Tasking's, and reports.
 * @param repeatable false within a caller's transaction, which is lost with the first error
 */
export async function instrumented<T>(
  instrument: Instrument,
  verb: string,
  run: () => Promise<T>,
  repeatable = true,
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
      if (repeatable && isRepeatable(error) && repeats < mostRepeats) {
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
