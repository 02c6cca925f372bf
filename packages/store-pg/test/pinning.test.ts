import { readFile } from 'node:fs/promises'
import { startPostgres } from '@tasking/local-postgres'
import type { LocalPostgres } from '@tasking/local-postgres'
import { storeConformance } from '@tasking/core/conformance'
import {
  loggedStatements,
  nodePostgres,
  pgBouncerAvailable,
  sessionStateIn,
  startPgBouncer,
  statementLogSettings,
} from '@tasking/testbed'
import type { LoggedStatement, PgBouncer } from '@tasking/testbed'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrate, pgStore } from '../src/index.ts'
import type { PgStore, PgStoreSettings } from '../src/index.ts'
import { callers } from './callers.ts'
import type { Clients } from './callers.ts'
import { claim, register, taskOf } from './hand.ts'
import { emptied } from './emptied.ts'

// With one name for all clients, which sessions have by default, PgBouncer itself needs no SET.
const application = 'tasking'

/** Every kind of store that works behind a pooler. */
const setUps: Record<
  string,
  (url: string, clients: Clients, settings: PgStoreSettings) => PgStore
> = {
  'postgres.js, by its URL': (url, _, settings) => pgStore({ url, poolSize: 3, ...settings }),
  'a postgres.js client': (_url, { sql }, settings) => pgStore({ client: sql, ...settings }),
  'a node-postgres pool': (_url, { pool }, settings) => pgStore({ pool, ...settings }),
}

type Drive = (store: PgStore, clients: Clients) => Promise<void>

/** Whatever can be made of a store; each begins with empty tables. */
const drives: readonly Drive[] = [
  ...storeConformance.map(
    ({ run }): Drive =>
      (store) =>
        run(store),
  ),
  workForCallers,
  askAbout,
  lookAgain,
  loseWorker,
]

let server: LocalPostgres

beforeAll(async () => {
  server = await startPostgres({
    durable: false,
    settings: { ...statementLogSettings, application_name: application },
  })
})
afterAll(() => server.stop())

/** What has been sent to a database so far, whoever sent it. */
async function statementsTo(url: string): Promise<LoggedStatement[]> {
  const database = new URL(url).pathname.slice(1)
  const statements = loggedStatements(await readFile(server.logFile, 'utf8'))
  return statements.filter((statement) => statement.database === database)
}

/** Those of them that need a session of their own, with the reasons. */
async function offendersOf(url: string) {
  const statements = await statementsTo(url)
  return statements
    .map((statement) => ({ ...statement, kinds: sessionStateIn(statement) }))
    .filter(({ kinds }) => kinds.length > 0)
}

async function kindsSentTo(url: string): Promise<string[]> {
  const offenders = await offendersOf(url)
  return [...new Set(offenders.flatMap(({ kinds }) => kinds))]
}

describe.skipIf(!pgBouncerAvailable())('through PgBouncer in transaction mode', () => {
  let bouncer: PgBouncer

  beforeAll(async () => {
    bouncer = await startPgBouncer({ url: server.url, poolSize: 4 })
  })
  afterAll(() => bouncer.stop())

  async function pooledDatabase(): Promise<string> {
    const url = new URL(await server.createDatabase())
    url.port = String(bouncer.port)
    url.searchParams.set('application_name', application)
    return url.href
  }

  test.each(Object.entries(setUps))(
    'a store on %s sends nothing that needs a session',
    async (_, open) => {
      const url = await pooledDatabase()
      await migrate({ url })
      const clients = {
        sql: postgres(url, { max: 3, prepare: false }),
        pool: nodePostgres(url, 3),
      }
      const verbs: string[] = []
      const store = open(url, clients, { onVerb: ({ verb }) => verbs.push(verb) })
      for (const drive of drives) {
        await emptied(clients.sql)
        await drive(store, clients)
      }
      await store.close()
      await clients.sql.end({ timeout: 1 })
      await clients.pool.end()

      expect(await offendersOf(url)).toEqual([])
      // And nothing is missing in the log.
      const reported = [...verbsOf(store), ...onTheSide].toSorted()
      expect([...new Set(verbs)].toSorted()).toEqual(reported)
      const texts = (await statementsTo(url)).map(({ text }) => text)
      const uses = texts.filter((text) =>
        /^\s*(?:select|insert|update|with)\b.*"tasking"/is.test(text),
      )
      expect(uses.length).toBeGreaterThan(verbs.length)
      expect(texts).toContainEqual(expect.stringMatching(/^create table "tasking"/i))
      expect(texts).toContainEqual(expect.stringMatching(/^select .*"tasking".release\(/s))
      expect(texts).toContainEqual(expect.stringMatching(/pg_notify/))
    },
    120_000,
  )

  // So every SET in the log is somebody's fault, and none would be overlooked.
  test('what PgBouncer sends on its own account is seen as well', async () => {
    const url = await pooledDatabase()
    const other = new URL(url)
    other.searchParams.set('application_name', 'another')
    for (const name of [url, other.href]) {
      const sql = postgres(name, { max: 1, prepare: false, fetch_types: false })
      await sql`select 1`
      await sql.end({ timeout: 1 })
    }
    expect(await offendersOf(url)).toMatchObject([
      { text: expect.stringMatching(/^SET application_name='another'/), kinds: ['SET'] },
    ])
  })
})

describe('on a direct connection', () => {
  test('the names of prepared statements are seen, and LISTEN', async () => {
    const url = await server.createDatabase()
    await using store = pgStore({ url, migrate: true })
    await store.dispatch([taskOf(store)])
    await store.signals?.subscribe(
      () => undefined,
      () => undefined,
    )
    expect(await kindsSentTo(url)).toEqual(['a named prepared statement', 'LISTEN'])
  })

  test('those of node-postgres, too', async () => {
    const url = await server.createDatabase()
    const pool = nodePostgres(url, 1)
    await using store = pgStore({ pool, prepare: true, migrate: true })
    await store.list()
    expect(await kindsSentTo(url)).toEqual(['a named prepared statement'])
    await store.close()
    await pool.end()
  })
})

/** Verbs that nobody asks for by their name. */
const onTheSide = ['require']

/** All that a store can be asked to do. */
function verbsOf(store: PgStore): string[] {
  const others = new Set(['signals', 'newId', 'check', 'close'])
  return Object.keys(store)
    .filter((name) => !others.has(name))
    .toSorted()
}

/** A task from its dispatch to its end, both with the commits of each kind of caller. */
async function workForCallers(store: PgStore, clients: Clients): Promise<void> {
  const workerId = await register(store)
  for (const inTransaction of Object.values(callers)) {
    const task = taskOf(store, { exclusive: ['ours'], shared: ['of all'] })
    await inTransaction(clients, async (tx) => void (await store.dispatch([task], { tx })))
    const [claimed] = await claim(store, workerId, 1)
    if (claimed?.id !== task.id) throw new Error('the task should have been claimed')
    const completion = { id: task.id, workerId, fencingToken: claimed.fencingToken, result: 1 }
    await inTransaction(clients, (tx) => store.complete(completion, { tx }))
  }
}

async function askAbout(store: PgStore): Promise<void> {
  const task = taskOf(store, { exclusive: ['asked about'] })
  await store.dispatch([task])
  await store.explain(task.id)
  await store.resources()
  await store.line('asked about')
}

/** A dispatcher is in flight where a cancel releases: it has to look again. */
async function lookAgain(store: PgStore, { sql }: Clients): Promise<void> {
  const first = taskOf(store, { exclusive: ['contested'] })
  await store.dispatch([first])
  await sql.begin(async (tx) => {
    await store.dispatch([taskOf(store, { exclusive: ['contested'] })], { tx })
    await store.cancel(first.id)
  })
}

async function loseWorker(store: PgStore, { sql }: Clients): Promise<void> {
  const worker = await register(store)
  await store.dispatch([taskOf(store, { exclusive: ['lost'] })])
  await claim(store, worker, 100)
  await sql`update tasking.app_status set last_heartbeat_at = now() - interval '1 hour'
             where id = ${worker}`
  expect((await store.housekeep()).missingWorkers).toContain(worker)
}
