import { TaskNotFoundError } from '@tasking/core'
import type { TaskStore } from '@tasking/core'
import { callerTransaction } from '../caller-transaction.ts'
import type { CallerTransaction } from '../caller-transaction.ts'
import type { Database } from '../database.ts'
import { signalsOfDispatch, wakeup } from '../signals.ts'
import { TaskIds } from '../task-id.ts'
import { cancel } from '../verbs/cancel.ts'
import { dispatch, dispatchOnce } from '../verbs/dispatch.ts'
import { look } from '../verbs/look.ts'
import { deleteTask, purge } from '../verbs/purge.ts'
import { count, find, list, queries } from '../verbs/read.ts'
import { announceRequirements } from './requirements.ts'

export function taskStore(database: Database): TaskStore<CallerTransaction> {
  const { schema, tables, clock } = database
  const ids = new TaskIds(clock)

  const findTasks: TaskStore['find'] = async (asked) => {
    const { pool } = await database.open()
    return database.verb('find', pool, () => find(queries(pool), tables, asked))
  }

  return {
    newId: () => ids.next(),

    async dispatch(tasks, { tx } = {}) {
      const { pool, notifier } = await database.open()
      await announceRequirements(database, tasks)
      if (tx !== undefined) {
        const connection = callerTransaction(tx, pool.address)
        const run = () => dispatch(connection, schema, tasks)
        const { dispatched } = await database.verb('dispatch', pool, run, 'never')
        // Sent by PostgreSQL when the caller commits, and not at all if not.
        const signals = signalsOfDispatch(tasks, dispatched, clock.now())
        await notifier.sendWithin(connection, signals)
        return dispatched
      }
      const wake = tasks.length === 1 && notifier.yields()
      const run = () => dispatchOnce(pool, schema, tasks, wake)
      const outcome = await database.verb('dispatch', pool, run)
      const { dispatched, unblocked, looks, told } = outcome
      if (!told) notifier.send(signalsOfDispatch(tasks, dispatched, clock.now()))
      const movedUp = unblocked + (await look(database.place(pool), looks))
      if (movedUp > 0) notifier.send([wakeup(null, movedUp)])
      return dispatched
    },

    async cancel(id, reason) {
      const { pool, notifier } = await database.open()
      const run = () => cancel(database.place(pool), id, reason)
      const { state, unblocked } = await database.verb('cancel', pool, run, 'conflict')
      if (state === 'canceling') notifier.send([{ kind: 'cancel', taskId: id }])
      if (unblocked > 0) notifier.send([wakeup(null, unblocked)])
      const [task] = await findTasks([id])
      if (task === undefined) throw new TaskNotFoundError(id)
      return task
    },

    async delete(id) {
      const { pool } = await database.open()
      // Repeated after a lost answer it would not be found.
      await database.verb('delete', pool, () => deleteTask(pool, schema, id), 'conflict')
    },

    async purge(batch) {
      const { pool } = await database.open()
      return database.verb('purge', pool, () => purge(pool, schema, batch))
    },

    find: findTasks,

    async list(filter = {}) {
      const { pool } = await database.open()
      return database.verb('list', pool, () => list(queries(pool), tables, filter))
    },

    async count(relation) {
      const { pool } = await database.open()
      return database.verb('count', pool, () => count(queries(pool), tables, relation))
    },
  }
}
