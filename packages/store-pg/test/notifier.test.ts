import { systemClock } from '@tasking/core'
import type { Signal } from '@tasking/core'
import { pooled, useDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { expect, test } from 'vitest'
import type { Connection } from '../src/connection.ts'
import { Listener } from '../src/listener.ts'
import { Notifier } from '../src/notifier.ts'
import { postgresJsConnection } from '../src/postgres-js.ts'

const channel = 'notified'
const signal = { kind: 'cancel', taskId: 'a' } as const satisfies Signal
const database = useDatabase()

/** A connection that has died so often before anybody noticed. */
function dead(times: number, connection: Connection): Connection {
  let left = times
  return {
    ...connection,
    query: (text, values) =>
      left-- > 0 ? Promise.reject(new Error('CONNECTION_CLOSED')) : connection.query(text, values),
  }
}

/** What arrives on the channel; `rung` resolves with the first. */
async function listen() {
  const listener = new Listener(database.directUrl, channel, systemClock)
  const heard: Signal[] = []
  let ring: () => void = () => undefined
  const rung = new Promise<void>((resolve) => (ring = resolve))
  await listener.subscribe(
    (one) => {
      heard.push(one)
      ring()
    },
    () => undefined,
  )
  return { heard, rung, listener }
}

test.skipIf(pooled)('a signal is sent again where its connection had died', async () => {
  const sql = postgres(database.directUrl, { max: 1, fetch_types: false })
  const { heard, rung, listener } = await listen()
  const connection = postgresJsConnection(sql, 'notifier', false)
  new Notifier(dead(1, connection), channel, systemClock).send([signal])
  await rung
  expect(heard).toEqual([signal])
  await listener.close()
  await sql.end()
})

test.skipIf(pooled)('a signal that fails twice is let go, and the next one is sent', async () => {
  const sql = postgres(database.directUrl, { max: 1, fetch_types: false })
  const { heard, rung, listener } = await listen()
  const connection = postgresJsConnection(sql, 'notifier', false)
  const notifier = new Notifier(dead(2, connection), channel, systemClock)
  notifier.send([signal])
  await notifier.flush()
  notifier.send([{ ...signal, taskId: 'b' }])
  await rung
  expect(heard).toEqual([{ ...signal, taskId: 'b' }])
  await listener.close()
  await sql.end()
})
