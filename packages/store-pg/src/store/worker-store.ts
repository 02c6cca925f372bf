import type { WorkerStore } from '@tasking/core'
import type { ClaimFloors } from '../claim-floors.ts'
import type { Database } from '../database.ts'
import { SharedBeat } from '../shared-beat.ts'
import { queries } from '../verbs/read.ts'
import { beat, registerWorker, unregisterWorker, workers } from '../verbs/workers.ts'

export function workerStore(database: Database, floors: ClaimFloors): WorkerStore {
  const { schema, tables } = database
  const together = new SharedBeat(async (ids) => {
    const { control: pool } = await database.open()
    return database.verb('beat', pool, () => beat(pool, schema, ids))
  })
  return {
    async registerWorker(worker) {
      const { control: pool } = await database.open()
      const run = () => registerWorker(queries(pool), tables, worker)
      await database.verb('registerWorker', pool, run)
    },

    async beat(id) {
      const answer = await together.of(id)
      floors.fleet = answer.fleet
      return answer
    },

    async unregisterWorker(id) {
      floors.forget(id)
      const { control: pool } = await database.open()
      const run = () => unregisterWorker(database.place(pool), id)
      await database.verb('unregisterWorker', pool, run)
    },

    async workers() {
      const { pool } = await database.open()
      return database.verb('workers', pool, () => workers(queries(pool), tables))
    },
  }
}
