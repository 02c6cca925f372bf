import { StoreUnavailableError, systemClock } from '@tasking/core'
import type { Clock } from '@tasking/core'
import type { Connection, ConnectionPool } from './connection.ts'
import { UnsafeDriverError } from './errors.ts'
import { survivesSwitch, twoAtOnce } from './session-switch.ts'

const pairs = 3
const probes = 24
const together = 8

// A load balancer with nothing behind it accepts and closes, and a driver may try for ever.
const firstAnswerMs = 15_000

/**
 * The first word with the server: whether something between us and it hands our statements to
 * changing sessions.
 * @throws StoreUnavailableError when there is no answer in time
 */
export async function isPooled(pool: ConnectionPool, clock: Clock): Promise<boolean> {
  const answered = new AbortController()
  const deadline = clock.sleep(firstAnswerMs, answered.signal).then(() => undefined)
  try {
    const backend = await Promise.race([pool.backend(), deadline])
    if (backend !== undefined) return backend.greeted !== backend.answering
    throw new StoreUnavailableError(pool.address, `no answer within ${firstAnswerMs} ms`)
  } finally {
    answered.abort()
  }
}

/**
 * Checks by its effect that a reported commit is one. A driver that names prepared statements
 * behind a transaction-mode pooler may run another session's statement under that name, even
 * another one's `begin` or `commit`, and report success for what was never committed.
 * @throws UnsafeDriverError
 */
export async function checkCommits(
  pool: ConnectionPool,
  clock: Clock = systemClock,
): Promise<void> {
  const advice =
    'use `prepare: false` (postgres.js), unnamed statements (node-postgres), or a direct connection.'
  if (!(await survivesSwitch(pool, clock))) {
    throw new UnsafeDriverError(
      pool.address,
      `it names statements that its pooler sends to sessions which don't know them; ${advice}`,
    )
  }
  let ids: string[]
  try {
    const held = await idsOfPairs(pool, clock)
    const rest = await inTurns(probes - held.length, together, () => pool.transaction(ownId))
    ids = [...held, ...rest]
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new UnsafeDriverError(
      pool.address,
      `behind its pooler transactions fail (${why}); ${advice}`,
    )
  }
  const [row] = await pool.query(
    `select count(*)::int from jsonb_array_elements_text($1::text::jsonb) as id
      where pg_xact_status(id::xid8) = 'committed'`,
    [JSON.stringify([...new Set(ids)])],
  )
  const committed = Number(row?.[0])
  if (committed < probes) {
    throw new UnsafeDriverError(
      pool.address,
      `behind its pooler only ${committed} of ${probes} transactions reported as committed were; ${advice}`,
    )
  }
}

// On an idle pooler quick transactions may all run on one session, where nothing can go wrong.
async function idsOfPairs(pool: ConnectionPool, clock: Clock): Promise<string[]> {
  const ids: string[] = []
  let isHeld = pool.size > 1
  for (let nth = 0; isHeld && nth < pairs; nth += 1) {
    const pair = await twoAtOnce(pool, clock, ownId)
    ids.push(...pair.values)
    ;({ isHeld } = pair)
  }
  return ids
}

async function ownId(connection: Connection): Promise<string> {
  const [row] = await connection.query('select pg_current_xact_id()::text, $1::int', [1])
  return String(row?.[0])
}

/**
 * The protocol relies on every statement having a snapshot of its own.
 * @throws UnsafeDriverError
 */
export async function checkIsolation(pool: ConnectionPool): Promise<void> {
  const [row] = await pool.query(`select current_setting('transaction_isolation')`)
  const level = String(row?.[0])
  if (level !== 'read committed') {
    throw new UnsafeDriverError(
      pool.address,
      `its transactions are "${level}" by default, the store needs "read committed". Set default_transaction_isolation for this user or database.`,
    )
  }
}

async function inTurns<T>(count: number, width: number, run: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let left = count
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (left-- > 0) results.push(await run())
    }),
  )
  return results
}
