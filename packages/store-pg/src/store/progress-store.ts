import type { ProgressStore } from '@tasking/core'
import type { Database } from '../database.ts'
import { progressOf, reportProgress } from '../verbs/progress.ts'
import { queries } from '../verbs/read.ts'

export function progressStore(database: Database): ProgressStore {
  const { schema, tables } = database
  return {
    async reportProgress(workerId, progress) {
      const { control: pool } = await database.open()
      const run = () => reportProgress(pool, schema, workerId, progress)
      return database.verb('reportProgress', pool, run)
    },

    async progress(id) {
      const { pool } = await database.open()
      return database.verb('progress', pool, () => progressOf(queries(pool), tables, id))
    },
  }
}
