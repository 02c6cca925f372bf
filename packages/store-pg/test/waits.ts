import type postgres from 'postgres'

/** Whether some session waits for a lock of whatever kind: a row's, mostly. */
export async function somebodyWaits(sql: postgres.Sql): Promise<boolean> {
  return (await sql`select from pg_locks where not granted`).length > 0
}

/** Whether some session waits for an advisory lock, as dispatchers and closers do. */
export async function somebodyWaitsToDispatch(sql: postgres.Sql): Promise<boolean> {
  const waiting = await sql`select from pg_locks where locktype = 'advisory' and not granted`
  return waiting.length > 0
}
