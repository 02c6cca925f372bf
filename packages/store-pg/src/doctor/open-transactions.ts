import type { Examination } from './examination.ts'
import { firstOf } from './finding.ts'
import type { Finding } from './finding.ts'

const code = 'open_transactions'
const harm =
  'As long as it lasts no row that was deleted since can be vacuumed away, and all get slower.'

/** Whatever keeps vacuum from removing dead rows: sessions, prepared transactions, slots. */
export async function examineOpenTransactions(examination: Examination): Promise<Finding[]> {
  const findings = [
    ...(await sessions(examination)),
    ...(await prepared(examination)),
    ...(await replicationSlots(examination)),
  ]
  if (findings.length > 0) return firstOf(findings, examination.limits.listed)
  const [row] = await examination.connection.query(
    `select current_user::text, pg_has_role(current_user, 'pg_read_all_stats', 'usage')`,
  )
  const [user, seesAll] = row as [string, boolean]
  const message = 'No transaction has been open for long.'
  if (seesAll) return [{ code, severity: 'ok', message }]
  const advice = `Only the sessions of "${user}" can be judged; grant pg_monitor to it to see all.`
  return [{ code, severity: 'ok', message, advice }]
}

async function sessions({ connection, limits }: Examination): Promise<Finding[]> {
  const rows = await connection.query(
    `select pid, usename::text, application_name, state,
            (extract(epoch from clock_timestamp() - xact_start) / 60)::int
       from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
        and backend_type <> 'autovacuum worker'
        and (backend_xmin is not null or backend_xid is not null)
        and xact_start <= clock_timestamp() - $1::int * interval '1 millisecond'
      order by xact_start`,
    [limits.openMs],
  )
  return rows.map((row) => {
    const [pid, user, application, state, minutes] = row as [number, string, string, string, number]
    return {
      code,
      severity: 'warning',
      message: `Session ${pid} (user "${user}", application "${application}", ${state}) has had a transaction open for ${minutes} minutes.`,
      advice: `${harm} To end it: select pg_terminate_backend(${pid})`,
    }
  })
}

async function prepared({ connection, limits }: Examination): Promise<Finding[]> {
  const rows = await connection.query(
    `select gid, owner::text, (extract(epoch from clock_timestamp() - prepared) / 60)::int
       from pg_prepared_xacts
      where database = current_database()
        and prepared <= clock_timestamp() - $1::int * interval '1 millisecond'
      order by prepared`,
    [limits.openMs],
  )
  return rows.map((row) => {
    const [gid, owner, minutes] = row as [string, string, number]
    return {
      code,
      severity: 'warning',
      message: `Transaction "${gid}" of user "${owner}" was prepared ${minutes} minutes ago, and never ended.`,
      advice: `${harm} To end it: rollback prepared '${gid}', or commit prepared`,
    }
  })
}

async function replicationSlots({ connection, limits }: Examination): Promise<Finding[]> {
  const rows = await connection.query(
    `select slot_name::text, active, greatest(age(xmin), age(catalog_xmin))
       from pg_replication_slots
      where greatest(age(xmin), age(catalog_xmin)) >= $1::int
      order by 3 desc`,
    [limits.heldBack],
  )
  return rows.map((row) => {
    const [slot, active, transactions] = row as [string, boolean, number]
    return {
      code,
      severity: 'warning',
      message: `Replication slot "${slot}" (${active ? 'in use' : 'not in use'}) holds back vacuum by ${transactions} transactions.`,
      advice: `${harm} To end it: select pg_drop_replication_slot('${slot}'), if nobody needs it any more`,
    }
  })
}
