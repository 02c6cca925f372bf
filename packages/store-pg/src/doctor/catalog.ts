import type { Connection } from '../connection.ts'

/** An object of a schema, as the server describes it. */
export interface CatalogObject {
  readonly kind: string
  readonly name: string
  readonly definition: string
  /** The table that it is a part of. */
  readonly table: string | null
  /** Where nobody expects it, it can refuse what Tasking writes. */
  readonly restrictive: boolean
}

/** All that makes up a schema. Call it with a search path that leaves out the schema itself. */
export async function readCatalog(
  connection: Connection,
  schema: string,
): Promise<CatalogObject[]> {
  const rows = await connection.query(catalog, [`"${schema}"`])
  return rows.map((row) => {
    const [kind, name, definition, table, restrictive] = row as [
      string,
      string,
      string,
      string | null,
      boolean,
    ]
    return { kind, name, definition, table, restrictive }
  })
}

// What a constraint brings with it is left out: its index, its triggers, and (from PostgreSQL 18
// on) the constraint that a column's "not null" is.
const catalog = `
  with relation as (
    select c.relname::text as name, c.* from pg_class as c
     where c.relnamespace = $1::text::regnamespace
  )
  select 'table' as kind, c.name,
         concat_ws(' ',
           case c.relpersistence when 'u' then 'unlogged' end,
           case c.relkind when 'p' then 'partitioned' when 'f' then 'foreign' else 'plain' end,
           case when c.relrowsecurity then 'with row security' end
         ) as definition, null as "table", false as restrictive
    from relation as c
   where c.relkind in ('r', 'p', 'f')
  union all
  select 'storage of', c.name,
         coalesce((select string_agg(o, ', ' order by o) from unnest(c.reloptions) as o), 'default'),
         c.name, false
    from relation as c
   where c.relkind in ('r', 'p')
  union all
  select 'view', c.name, pg_get_viewdef(c.oid), null, false
    from relation as c
   where c.relkind in ('v', 'm')
  union all
  select 'column', c.name || '.' || a.attname,
         concat_ws(' ',
           format_type(a.atttypid, a.atttypmod),
           (select 'collate ' || quote_ident(l.collname)
              from pg_collation as l
             where l.oid = a.attcollation and a.attcollation <> t.typcollation),
           case when a.attnotnull then 'not null' end,
           case a.attidentity when 'a' then 'always as identity' when 'd' then 'by default as identity' end,
           case when a.attgenerated <> '' then 'generated' when d.oid is not null then 'default' end,
           pg_get_expr(d.adbin, d.adrelid)
         ), c.name, a.attnotnull and d.oid is null and a.attidentity = ''
    from relation as c
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type as t on t.oid = a.atttypid
    left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where c.relkind in ('r', 'p')
  union all
  select 'index', c.name,
         pg_get_indexdef(c.oid) || case when i.indisvalid then '' else ' (not valid)' end,
         o.relname::text, i.indisunique
    from relation as c
    join pg_index as i on i.indexrelid = c.oid
    join pg_class as o on o.oid = i.indrelid
   where not exists (
           select from pg_constraint as k where k.conindid = c.oid and k.contype in ('p', 'u', 'x')
         )
  union all
  select 'constraint', k.conname || ' on ' || c.name, pg_get_constraintdef(k.oid), c.name, true
    from relation as c
    join pg_constraint as k on k.conrelid = c.oid and k.contype in ('c', 'f', 'p', 'u', 'x')
  union all
  select 'trigger', g.tgname || ' on ' || c.name,
         pg_get_triggerdef(g.oid)
         || case when g.tgenabled = 'O' then '' else ' (' || g.tgenabled::text || ')' end,
         c.name, true
    from relation as c
    join pg_trigger as g on g.tgrelid = c.oid and not g.tgisinternal
  union all
  select 'sequence', c.name,
         format('%s start %s increment %s from %s to %s cache %s%s', format_type(s.seqtypid, null),
           s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
           case when s.seqcycle then ' cycle' else '' end),
         null, false
    from relation as c
    join pg_sequence as s on s.seqrelid = c.oid
  union all
  select 'type', t.typname::text,
         case t.typtype
           when 'e' then (
             select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
               from pg_enum as e where e.enumtypid = t.oid
           )
           else t.typtype::text || ' ' || format_type(t.typbasetype, t.typtypmod)
         end, null, false
    from pg_type as t
   where t.typnamespace = $1::text::regnamespace
     and t.typcategory <> 'A'
     and (t.typrelid = 0 or exists (select from relation as c where c.oid = t.typrelid and c.relkind = 'c'))
  union all
  select 'function', f.proname || '(' || pg_get_function_identity_arguments(f.oid) || ')',
         case when f.prokind = 'a' then 'aggregate' else pg_get_functiondef(f.oid) end, null, false
    from pg_proc as f
   where f.pronamespace = $1::text::regnamespace
   order by 1, 2`
