import postgres from 'postgres'

/** The version of a server, such as `18.4`. */
export async function versionOf(url: string): Promise<string> {
  const [version = ''] = await readColumn(url, `select current_setting('server_version')`)
  return version.split(' ')[0] ?? version
}

/** The names of a server's databases that begin with a prefix. */
export function databasesOf(url: string, prefix: string): Promise<string[]> {
  const statement = 'select datname::text from pg_database where starts_with(datname::text, $1)'
  return readColumn(url, statement, [prefix])
}

async function readColumn(
  url: string,
  statement: string,
  parameters: string[] = [],
): Promise<string[]> {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => undefined })
  try {
    return (await sql.unsafe(statement, parameters).values()).map(([value]) => String(value))
  } finally {
    await sql.end({ timeout: 1 })
  }
}
