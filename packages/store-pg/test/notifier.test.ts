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
const wakeup = (queue: string): Signal => ({ kind: 'wakeup', queue, tasks: 1 })
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

test('wake-ups that come within the gap after the last ones go together', async () => {
  const sql = postgres(database.url, { max: 1, fetch_types: false })
  const connection = postgresJsConnection(sql, 'notifier', false)
  const sent: string[][] = []
  const noted: Connection = {
    ...connection,
    async query(text, values) {
      sent.push(JSON.parse(String(values?.[1])))
      return connection.query(text, values)
    },
  }
  const notifier = new Notifier(noted, channel, systemClock)
  // A machine that is busy for the length of the gap may part the two; not each time.
  const isTogether = () => sent.some((payloads) => payloads.length === 2)
  for (let n = 0; n < 100 && !isTogether(); n += 1) {
    notifier.send([wakeup(`first ${n}`)])
    await notifier.flush()
    notifier.send([wakeup(`second ${n}`)])
    await new Promise(setImmediate)
    notifier.send([wakeup(`third ${n}`)])
    await notifier.flush()
  }
  expect(isTogether()).toBe(true)
  await sql.end()
})
