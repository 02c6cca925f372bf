import type { CreationStore } from '@tasking/core'
import type { Database } from '../database.ts'
import { creationsOf, recordCreation } from '../verbs/creations.ts'
import { queries } from '../verbs/read.ts'

export function creationStore(database: Database): CreationStore {
  const { schema, tables } = database
  return {
    async recordCreation(record) {
      const { control: pool } = await database.open()
      await database.verb('recordCreation', pool, () => recordCreation(pool, schema, record))
    },

    async created(id) {
      const { pool } = await database.open()
      return database.verb('created', pool, () => creationsOf(queries(pool), tables, id))
    },
  }
}
