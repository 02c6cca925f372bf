import type { QueueStore } from '@tasking/core'
import type { Database } from '../database.ts'
import { wakeup } from '../signals.ts'
import { pauseQueue, queues, resumeQueue } from '../verbs/queues.ts'

export function queueStore(database: Database): QueueStore {
  const { schema } = database
  return {
    async pauseQueue(queue, reason) {
      const { pool } = await database.open()
      await database.verb('pauseQueue', pool, () => pauseQueue(pool, schema, queue, reason))
    },

    async resumeQueue(queue) {
      const { pool, notifier } = await database.open()
      await database.verb('resumeQueue', pool, () => resumeQueue(pool, schema, queue))
      notifier.send([wakeup(queue)])
    },

    async queues() {
      const { pool } = await database.open()
      return database.verb('queues', pool, () => queues(pool, schema))
    },
  }
}
