import type { Examination } from './examination.ts'
import { firstOf } from './finding.ts'
import type { Finding } from './finding.ts'

/** Whether this user may do what a store does: tables are often made by another one. */
export async function examineRights({
  connection,
  schema,
  limits,
}: Examination): Promise<Finding[]> {
  const code = 'rights'
  const rows = await connection.query(
    `with needed as (
       select 'table ' || c.relname as object, p.privilege, has_table_privilege(c.oid, p.privilege) as had
         from pg_class as c
        cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) as p (privilege)
        where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p')
          and (c.relname <> 'migration' or p.privilege = 'SELECT')
       union all
       select 'sequence ' || c.relname, 'USAGE', has_sequence_privilege(s.seqrelid, 'USAGE')
         from pg_sequence as s
         join pg_class as c on c.oid = s.seqrelid
        where c.relnamespace = $1::text::regnamespace
       union all
       select 'function ' || f.proname, 'EXECUTE', has_function_privilege(f.oid, 'EXECUTE')
         from pg_proc as f
        where f.pronamespace = $1::text::regnamespace
     )
     select current_user::text, n.object, string_agg(n.privilege, ', ' order by n.privilege)
       from needed as n
      where not n.had
      group by n.object
      order by n.object`,
    [`"${schema}"`],
  )
  if (rows.length === 0) {
    const message = 'This user may do all that a store does.'
    return [{ code, severity: 'ok', message }]
  }
  const findings = rows.map(([user, object, privileges]): Finding => {
    const message = `User "${String(user)}" lacks ${String(privileges)} on ${String(object)}.`
    const advice = `Grant it, as the owner: usage on the schema and its sequences; select, insert, update, delete on its tables; execute on its functions.`
    return { code, severity: 'error', message, advice }
  })
  return firstOf(findings, limits.listed)
}
