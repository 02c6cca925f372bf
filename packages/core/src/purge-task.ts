import { defineTask } from './definition.ts'
import type { TaskDefinition } from './definition.ts'
import type { PurgeOptions } from './purge.ts'

/** What a purge that is a task may be told: what `tasking.purge` takes, as far as it is JSON. */
export type PurgeTaskInput = Pick<PurgeOptions, 'olderThan' | 'states' | 'queue' | 'name'>

/**
 * A purge as a task, to be dispatched like any other: give it to `createTasking` with your own
 * definitions. One runs at a time. Its result says how many tasks it has deleted.
 */
export const purgeTask: TaskDefinition<PurgeTaskInput, PurgeTaskInput, { purged: number }> =
  defineTask({
    name: 'tasking.purge',
    resources: { exclusive: ['tasking.purge'] },
    async run(input: PurgeTaskInput, { tasking, signal, log }) {
      const purged = await tasking.purge({ ...input, signal })
      log.info({ purged }, 'purged')
      signal.throwIfAborted()
      return { purged }
    },
  })
