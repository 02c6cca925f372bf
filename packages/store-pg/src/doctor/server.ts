import type { Site } from '../administration.ts'
import { checkCommits, checkIsolation, isPooled } from '../driver-check.ts'
import type { Finding } from './finding.ts'

const oldestServer = 15

/** Whether there is a pooler in between, and what that means for wake-ups. */
export async function examineConnection({ pool, clock }: Site): Promise<Finding[]> {
  const code = 'connection'
  const pooled = await isPooled(pool, clock)
  if (!pooled) {
    const message = 'The connection is a direct one: LISTEN is possible.'
    return [{ code, severity: 'ok', message }]
  }
  await checkCommits(pool, clock)
  return [
    {
      code,
      severity: 'ok',
      message: 'There is a pooler in between, which keeps commits but makes LISTEN impossible.',
      advice: 'Workers poll. For wake-ups, name a direct connection with --listen.',
    },
  ]
}

export async function examineServer({ pool }: Site): Promise<Finding[]> {
  const [row] = await pool.query(
    `select current_setting('server_version'), current_setting('server_version_num')::int / 10000,
            pg_is_in_recovery(), current_setting('transaction_read_only')`,
  )
  const [version, major, standby, readOnly] = row as [string, number, boolean, string]
  const code = 'server'
  const name = `The server at ${pool.address} is PostgreSQL ${version}`
  if (major < oldestServer) {
    const advice = `Use PostgreSQL ${oldestServer} or newer.`
    return [{ code, severity: 'error', message: `${name}.`, advice }]
  }
  if (standby) {
    const message = `${name}, and a standby, which takes no writes.`
    return [{ code, severity: 'error', message, advice: 'Name the primary server.' }]
  }
  if (readOnly === 'on') {
    const message = `${name}, and read-only by default.`
    const advice = 'Set default_transaction_read_only to off for this user or database.'
    return [{ code, severity: 'error', message, advice }]
  }
  return [{ code, severity: 'ok', message: `${name}.` }]
}

export async function examineIsolation({ pool }: Site): Promise<Finding[]> {
  await checkIsolation(pool)
  const message = 'Transactions are "read committed" by default.'
  return [{ code: 'isolation', severity: 'ok', message }]
}
