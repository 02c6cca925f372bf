import type { HousekeepingStore } from '@tasking/core'
import type { Database } from '../database.ts'
import { wakeup } from '../signals.ts'
import { housekeep } from '../verbs/housekeep.ts'
import { promote } from '../verbs/promote.ts'

export function housekeepingStore(database: Database): HousekeepingStore {
  return {
    async housekeep({ sweep = true } = {}) {
      const { control: pool, notifier } = await database.open()
      const run = () => housekeep(database.place(pool), sweep)
      const report = await database.verb('housekeep', pool, run)
      if (report.unblocked > 0) notifier.send([wakeup(null, report.unblocked)])
      return report
    },

    async promote() {
      // Not on the connections that keep a worker alive: it may wait a little for a lock.
      const { pool, notifier } = await database.open()
      const run = () => promote(pool, database.schema)
      const { report, free } = await database.verb('promote', pool, run)
      notifier.send([...free].map(([queue, tasks]) => wakeup(queue, tasks)))
      return report
    },
  }
}
