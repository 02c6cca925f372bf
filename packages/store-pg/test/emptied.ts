import type postgres from 'postgres'

/** Empties every table of the schema but the ledger of its migrations. */
export async function emptied(sql: postgres.Sql, schema = 'tasking'): Promise<void> {
  const rows = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name
      from pg_tables where schemaname = ${schema} and tablename <> 'migration'`
  await sql.unsafe(`truncate ${rows.map(({ name }) => name).join()}`)
}
