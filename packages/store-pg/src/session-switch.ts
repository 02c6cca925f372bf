import type { Clock } from '@tasking/core'
import type { Connection, ConnectionPool } from './connection.ts'
import { codeOf } from './errors.ts'

// A pooler may have to connect to the server first; where there is one session for all, it never comes.
const secondSessionMs = 1_000
const mostSwitches = 6

// There is no such statement, or there is one of this name already.
const namingStates = new Set(['26000', '42P05'])

/**
 * Leads a connection from one session behind its pooler to another, and says whether a statement
 * that it has used in the one works in the other. True where that can't be tried.
 */
export async function survivesSwitch(pool: ConnectionPool, clock: Clock): Promise<boolean> {
  const { keep } = pool
  if (keep === undefined || pool.size < 2) return true
  return keep(async (own) => {
    const got = new AbortController()
    let isLate = false
    const tried = keep((other) => {
      got.abort()
      return isLate ? Promise.resolve(true) : isKnownInBoth(own, other, clock)
    })
    tried.catch(() => got.abort())
    // Two stores that open on one small pool may each hold what the other one waits for.
    await clock.sleep(secondSessionMs, got.signal)
    isLate = !got.signal.aborted
    return isLate || tried
  })
}

async function isKnownInBoth(own: Connection, other: Connection, clock: Clock): Promise<boolean> {
  try {
    await switchSessions(own, other, clock)
    return true
  } catch (error) {
    if (namingStates.has(codeOf(error) ?? '')) return false
    throw error
  } finally {
    await Promise.all([own, other].map((one) => one.query('rollback').catch(() => undefined)))
  }
}

/**
 * Two transactions that are open at once, so that the pooler needs two sessions for them. The next
 * time most drivers take their connections in another order than the pooler its sessions.
 * @returns what they came to, and whether there were two sessions
 */
export async function twoAtOnce<T>(
  pool: ConnectionPool,
  clock: Clock,
  run: (connection: Connection) => Promise<T>,
): Promise<{ readonly values: readonly T[]; readonly isHeld: boolean }> {
  const second = new AbortController()
  let isHeld = true
  const values = await Promise.all([
    pool.transaction(async (connection) => {
      const value = await run(connection)
      await clock.sleep(secondSessionMs, second.signal)
      isHeld = second.signal.aborted
      return value
    }),
    pool.transaction(async (connection) => {
      const value = await run(connection)
      second.abort()
      return value
    }),
  ])
  return { values, isHeld }
}

async function switchSessions(own: Connection, other: Connection, clock: Clock): Promise<void> {
  // New for each check, so that no session knows it from an earlier one.
  const text = `select pg_backend_pid(), $1::int /* ${globalThis.crypto.randomUUID()} */`
  await own.query('begin')
  const first = await sessionOf(own, text)
  for (let nth = 0; nth < mostSwitches; nth += 1) {
    // Takes another session, since this one is held.
    if (!(await beginsInTime(other, own, clock))) return
    // Poolers hand out what was given back last, or what was given back first.
    const [one, two] = nth % 2 === 0 ? [own, other] : [other, own]
    await one.query('commit')
    await two.query('commit')
    await own.query('begin')
    if ((await sessionOf(own, text)) !== first) return
  }
}

async function beginsInTime(other: Connection, own: Connection, clock: Clock): Promise<boolean> {
  const begun = new AbortController()
  const begin = other.query('begin').then(() => true)
  const patience = clock.sleep(secondSessionMs, begun.signal).then(() => false)
  try {
    if (await Promise.race([begin, patience])) return true
    // Makes room for it, so that it doesn't wait for ever.
    await own.query('commit')
    await begin
    return false
  } finally {
    begun.abort()
  }
}

async function sessionOf(connection: Connection, text: string): Promise<number> {
  const [row] = await connection.query(text, [1])
  return Number(row?.[0])
}
