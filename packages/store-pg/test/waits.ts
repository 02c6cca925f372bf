import type postgres from 'postgres'

/** Whether some session of this database waits for a lock of whatever kind: a row's, mostly. */
export async function somebodyWaits(sql: postgres.Sql): Promise<boolean> {
  // A wait for a row names no database; but whoever waits has locked the table in this one. And others
  // on the server, which tests share, wait for locks of their own.
  const waiting = await sql`
    select from pg_locks as wait
     where not wait.granted
       and exists (
         select from pg_locks as held
          where held.pid = wait.pid
            and held.database = (select oid from pg_database where datname = current_database())
       )`
  return waiting.length > 0
}

/** Whether some session of this database waits for an advisory lock, as dispatchers and closers do. */
export async function somebodyWaitsToDispatch(sql: postgres.Sql): Promise<boolean> {
  const waiting = await sql`
    select from pg_locks
     where locktype = 'advisory' and not granted
       and database = (select oid from pg_database where datname = current_database())`
  return waiting.length > 0
}
