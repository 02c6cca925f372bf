import type { TurnStore } from '@tasking/core'
import { callerTransaction } from '../caller-transaction.ts'
import type { CallerTransaction } from '../caller-transaction.ts'
import type { ClaimFloors } from '../claim-floors.ts'
import type { Database } from '../database.ts'
import { signalsOfRetries, wakeup } from '../signals.ts'
import { complete } from '../verbs/complete.ts'
import { turn } from '../verbs/turn.ts'

export function turnStore(database: Database, floors: ClaimFloors): TurnStore<CallerTransaction> {
  const { schema } = database
  return {
    async turn(ask) {
      const { control, notifier } = await database.open()
      const run = () => turn(control, schema, floors, ask)
      const { result, leftOver } = await database.verb('turn', control, run, 'conflict')
      if (leftOver > 0) notifier.send([wakeup(null, leftOver)])
      notifier.send(signalsOfRetries(ask.completions))
      return result
    },

    async complete(completion, { tx }) {
      const { pool } = await database.open()
      const connection = callerTransaction(tx, pool.address)
      const run = () => complete(connection, schema, completion)
      await database.verb('complete', pool, run, 'never')
    },
  }
}
