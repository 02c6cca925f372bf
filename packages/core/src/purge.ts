import { milliseconds } from './duration.ts'
import type { Duration } from './duration.ts'
import { InvalidOptionError } from './errors.ts'
import { finalStates } from './state-machine.ts'
import type { FinalState } from './state-machine.ts'
import type { Store } from './store.ts'
import type { PurgeBatch } from './task-store.ts'
import type { TaskId } from './task.ts'

export interface PurgeOptions {
  /** Only tasks that finished so long ago or longer. */
  readonly olderThan: Duration
  /** Only tasks in these states. Default `completed` only. */
  readonly states?: readonly FinalState[]
  readonly queue?: string
  readonly name?: string
  /** Count them, and delete nothing. */
  readonly dryRun?: boolean
  /** When it aborts, the purge ends after the batch under way. */
  readonly signal?: AbortSignal
  /** Told after every batch how many tasks have been deleted so far. */
  readonly onProgress?: (purged: number) => void
}

// Each batch is a transaction: long enough to be worth its commit, short enough to disturb nobody.
const batchSize = 2_000

/**
 * Deletes finished tasks, in batches.
 * @param now by which the age of a task is measured
 * @returns how many
 * @throws InvalidOptionError
 */
export async function purge(
  store: Pick<Store, 'purge'>,
  now: Date,
  options: PurgeOptions,
): Promise<number> {
  const { olderThan, states = ['completed'], dryRun = false, signal, onProgress } = options
  checkStates(states)
  const finishedBefore = new Date(now.getTime() - milliseconds(olderThan, 'olderThan'))
  const { queue, name } = options
  const filter = { ...(queue !== undefined && { queue }), ...(name !== undefined && { name }) }
  let purged = 0
  for (const state of new Set(states)) {
    const batch: PurgeBatch = { ...filter, state, finishedBefore, dryRun, limit: batchSize }
    let after: TaskId | undefined
    do {
      if (signal?.aborted) return purged
      const { tasks, next } = await store.purge({ ...batch, ...(after !== undefined && { after }) })
      purged += tasks
      onProgress?.(purged)
      after = next
    } while (after !== undefined)
  }
  return purged
}

function checkStates(states: readonly FinalState[]): void {
  const wrong = states.find((state) => !finalStates.includes(state))
  if (wrong === undefined) return
  throw new InvalidOptionError('states', wrong, `one of ${finalStates.join(', ')}`)
}
