import type { Sql } from 'postgres'

/** What some work has cost the database, in what doesn't depend on the machine's speed. */
export interface Counts {
  /** What the client sent. */
  readonly statements: number
  /** What functions ran for it in turn. */
  readonly nested: number
  /** Transactions that wrote something. */
  readonly commits: number
  readonly walBytes: number
  /** Pages looked at, as often as they were. */
  readonly buffers: number
  /** Rows inserted, updated and deleted. */
  readonly rows: number
}

interface Reading {
  readonly transactions: number
  readonly walBytes: number
  readonly rows: number
}

/**
 * Counts what some work costs, on a server where nothing else goes on.
 * @param session the one connection that the work uses
 */
export async function countsOf(
  admin: Sql,
  session: Sql,
  work: () => Promise<unknown>,
): Promise<Counts> {
  const before = await read(admin, session)
  await admin`select pg_stat_statements_reset()`
  await work()
  const after = await read(admin, session)
  const [sums] = await admin<{ statements: number; nested: number; buffers: number }[]>`
    select coalesce(sum(calls) filter (where toplevel), 0)::int as statements,
           coalesce(sum(calls) filter (where not toplevel), 0)::int as nested,
           coalesce(sum(shared_blks_hit + shared_blks_read) filter (where toplevel), 0)::int
             as buffers
      from pg_stat_statements
     where dbid = (select oid from pg_database where datname = current_database())
       and query not like '%pg_stat%'`
  return {
    ...(sums ?? { statements: 0, nested: 0, buffers: 0 }),
    commits: after.transactions - before.transactions,
    walBytes: after.walBytes - before.walBytes,
    rows: after.rows - before.rows,
  }
}

async function read(admin: Sql, session: Sql): Promise<Reading> {
  // A session tells of its rows only now and then, unless it is asked to.
  await session`select pg_stat_force_next_flush()`
  const [row] = await admin<Reading[]>`
    select pg_snapshot_xmax(pg_current_snapshot())::text::int as transactions,
           (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 as "walBytes",
           (select sum(n_tup_ins + n_tup_upd + n_tup_del)::int
              from pg_stat_user_tables where schemaname = 'tasking') as rows
      -- Its own statistics are those of its last transaction.
      from pg_stat_clear_snapshot()`
  if (row === undefined) throw new Error('PostgreSQL counts nothing.')
  return row
}
