import type { Sql } from 'postgres'

/** What it takes to find out what a worker could claim now. */
export interface ClaimProbe {
  /** Pages that were looked at. */
  readonly buffers: number
  readonly ms: number
}

interface Plan {
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
  readonly 'Actual Total Time': number
}

/** Explains the inner query of a claim, with the plan that the protocol pins. Changes nothing. */
export async function probeClaim(sql: Sql): Promise<ClaimProbe> {
  const rows = await sql.begin(async (transaction) => {
    await transaction`set local enable_seqscan = off`
    await transaction`set local enable_bitmapscan = off`
    return transaction<{ 'QUERY PLAN': [{ Plan: Plan }] }[]>`
      explain (analyze, buffers, timing off, format json)
      select id from tasking.task
       where queue = 'default' and name = 'bench.work'
         and state = 'waiting' and unblocked_at is not null
       order by queue, name, (- priority), position
       limit 10`.simple()
  })
  const answer = rows[0]?.['QUERY PLAN']
  const plan = (typeof answer === 'string' ? (JSON.parse(answer) as typeof answer) : answer)?.[0]
    .Plan
  if (plan === undefined) throw new Error('PostgreSQL explained nothing.')
  return {
    buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
    ms: plan['Actual Total Time'],
  }
}
