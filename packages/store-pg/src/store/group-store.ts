import type { GroupStore } from '@tasking/core'
import { callerTransaction } from '../caller-transaction.ts'
import type { CallerTransaction } from '../caller-transaction.ts'
import type { Database } from '../database.ts'
import { wakeup } from '../signals.ts'
import { cancelMembers, closeGroup, createGroup, groups } from '../verbs/groups.ts'
import { queries } from '../verbs/read.ts'

export function groupStore(database: Database): GroupStore<CallerTransaction> {
  const { schema, tables } = database

  const close: GroupStore['closeGroup'] = async (id) => {
    const { pool } = await database.open()
    await database.verb('closeGroup', pool, () => closeGroup(pool, schema, id))
  }

  return {
    async createGroup(group, { tx } = {}) {
      const { pool } = await database.open()
      const connection = tx === undefined ? pool : callerTransaction(tx, pool.address)
      const run = () => createGroup(queries(connection), tables, group)
      await database.verb('createGroup', pool, run, tx === undefined ? 'lost answer' : 'never')
    },

    closeGroup: close,

    async cancelGroup(id, reason) {
      await close(id)
      const { pool, notifier } = await database.open()
      const total = { canceled: 0, canceling: 0 }
      for (let more = true; more;) {
        const run = () => cancelMembers(database.place(pool), id, reason)
        const outcome = await database.verb('cancelGroup', pool, run, 'conflict')
        notifier.send(outcome.canceling.map((taskId) => ({ kind: 'cancel', taskId })))
        if (outcome.unblocked > 0) notifier.send([wakeup(null, outcome.unblocked)])
        total.canceled += outcome.canceled
        total.canceling += outcome.canceling.length
        more = outcome.more
      }
      return total
    },

    async groups(filter = {}) {
      const { pool } = await database.open()
      return database.verb('groups', pool, () => groups(queries(pool), tables, filter))
    },
  }
}
