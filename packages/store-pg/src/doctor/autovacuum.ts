import type { Examination } from './examination.ts'
import type { Finding } from './finding.ts'

const code = 'autovacuum'

/** Whether dead rows are removed at all, and as fast as they come. */
export async function examineAutovacuum(examination: Examination): Promise<Finding[]> {
  const findings = [...(await settings(examination)), ...(await tables(examination))]
  if (findings.length > 0) return findings
  return [{ code, severity: 'ok', message: 'Autovacuum is on, and keeps up.' }]
}

async function settings({ connection }: Examination): Promise<Finding[]> {
  const rows = await connection.query(
    `select s.name from unnest(array['autovacuum', 'track_counts']) as s (name)
      where not current_setting(s.name)::boolean`,
  )
  return rows.map(([setting]) => ({
    code,
    severity: 'warning',
    message: `The setting "${String(setting)}" of the server is off, so nothing removes dead rows.`,
    advice: `Turn it on: Tasking changes and deletes rows all the time.`,
  }))
}

async function tables({ connection, schema, limits }: Examination): Promise<Finding[]> {
  const rows = await connection.query(
    `select t.relname, t.enabled, t.dead, t.threshold,
            t.dead > $2::int and t.dead > $3::int * t.threshold
              and coalesce(t.vacuumed_at <= clock_timestamp() - $4::int * interval '1 millisecond', true)
       from (
         select c.relname::text,
                coalesce(o.settings ->> 'autovacuum_enabled', 'true')::boolean as enabled,
                pg_stat_get_dead_tuples(c.oid)::int8::float8 as dead,
                greatest(pg_stat_get_last_autovacuum_time(c.oid), pg_stat_get_last_vacuum_time(c.oid)) as vacuumed_at,
                coalesce(o.settings ->> 'autovacuum_vacuum_threshold',
                         current_setting('autovacuum_vacuum_threshold'))::float8
                + coalesce(o.settings ->> 'autovacuum_vacuum_scale_factor',
                           current_setting('autovacuum_vacuum_scale_factor'))::float8
                  * greatest(c.reltuples, 0) as threshold
           from pg_class as c
           left join lateral (
             select jsonb_object_agg(p.option_name, p.option_value) as settings
               from pg_options_to_table(c.reloptions) as p
           ) as o on true
          where c.relnamespace = $1::text::regnamespace and c.relkind = 'r'
       ) as t
      order by t.relname`,
    [`"${schema}"`, limits.deadRows, limits.deadTimes, limits.vacuumMs],
  )
  return rows.flatMap((row): Finding[] => {
    const [table, enabled, dead, threshold, behind] = row as [
      string,
      boolean,
      number,
      number,
      boolean,
    ]
    if (!enabled) {
      const message = `Autovacuum is off for table "${table}".`
      const advice = `Turn it on: alter table "${schema}"."${table}" reset (autovacuum_enabled)`
      return [{ code, severity: 'warning', message, advice }]
    }
    if (!behind) return []
    const message = `Table "${table}" has about ${Math.round(dead)} dead rows; autovacuum was to come at ${Math.round(threshold)}.`
    const advice =
      'See what holds it back: open transactions, too few autovacuum workers, or too low an autovacuum_vacuum_cost_limit.'
    return [{ code, severity: 'warning', message, advice }]
  })
}
