import type { ObservationStore, TaskStore } from '@tasking/core'
import type { Database } from '../database.ts'
import { explain, line, resources } from '../verbs/lines.ts'
import { metrics } from '../verbs/metrics.ts'

export function observationStore(
  database: Database,
  tasks: Pick<TaskStore, 'find'>,
): ObservationStore {
  const { schema } = database
  return {
    async explain(id) {
      const [task] = await tasks.find([id])
      const { pool } = await database.open()
      return database.verb('explain', pool, () => explain(pool, schema, id, task))
    },

    async resources(filter = {}) {
      const { pool } = await database.open()
      return database.verb('resources', pool, () => resources(pool, schema, filter))
    },

    async line(resource, limit = 100) {
      const { pool } = await database.open()
      return database.verb('line', pool, () => line(pool, schema, resource, limit))
    },

    async metrics() {
      const { pool } = await database.open()
      return database.verb('metrics', pool, () => metrics(pool, schema))
    },
  }
}
