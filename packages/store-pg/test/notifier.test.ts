import { isDeepStrictEqual } from 'node:util'
import { systemClock } from '@tasking/core'
import type { Clock, Signal } from '@tasking/core'
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

/** A notifier whose gaps last until somebody is in a hurry, and what it sends. */
function held() {
  const sent: Signal[][] = []
  const connection: Connection = {
    address: 'notifier',
    async query(_text, values) {
      sent.push(JSON.parse(String(values?.[1])).map((payload: string) => JSON.parse(payload)))
      return []
    },
  }
  const sleep: Clock['sleep'] = (ms, signal) =>
    ms > 5
      ? systemClock.sleep(ms, signal)
      : new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
  return { notifier: new Notifier(connection, channel, { ...systemClock, sleep }), sent }
}

const wakeup = (tasks?: number): Signal => ({
  ...{ kind: 'wakeup', queue: 'q' },
  ...(tasks && { tasks }),
})

test('wake-ups wait for the gap after the last ones and go together; a cancel does not wait', async () => {
  const { notifier, sent } = held()
  const together = [wakeup(3), { kind: 'due', inMs: 7 }, signal]
  // A machine that is busy for the length of the gap may end it; not each time.
  for (let n = 0; n < 50 && !isDeepStrictEqual(sent.at(-1), together); n += 1) {
    notifier.send([wakeup(1)])
    await notifier.flush()
    notifier.send([wakeup(1)])
    notifier.send([wakeup(2), { kind: 'due', inMs: 7 }])
    await new Promise(setImmediate)
    notifier.send([signal])
    await notifier.flush()
  }
  expect(sent.at(-1)).toEqual(together)
  // Once more: one hurry is over with what it sent.
  const before = sent.length
  for (let n = 0; n < 50 && sent.length < before + 1; n += 1) {
    notifier.send([wakeup(), wakeup(4)])
    await new Promise(setImmediate)
    notifier.send([signal])
    await notifier.flush()
  }
  expect(sent.slice(before).flat()).toEqual([wakeup(), signal])
})
