import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defaultSchema } from './schema.ts'

/** A version of the schema: what leads to it from the version before. */
export interface Migration {
  readonly version: number
  /** That of its file, such as `0001_protocol`. */
  readonly name: string
  readonly hash: string
  /** The oldest client that may work with a schema of this version. */
  readonly oldestClient: number
  readonly statements: readonly string[]
}

/** The migrations of this version of the code. */
export function releasedMigrations(): Migration[] {
  // The same place, seen from src/ and from the bundle in dist/.
  const folder = fileURLToPath(new URL('../drizzle', import.meta.url))
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .toSorted()
    .map((file, index) =>
      migrationOf(
        index + 1,
        file.slice(0, -'.sql'.length),
        readFileSync(`${folder}/${file}`, 'utf8'),
      ),
    )
}

/**
 * A migration from the text of its file. Its first line may say `-- oldest client: 3`; without
 * that, nobody older may work with what it leaves.
 */
export function migrationOf(version: number, name: string, text: string): Migration {
  const [, oldest] = /^-- oldest client: (\d+)\s*$/m.exec(text.split('\n', 1)[0] ?? '') ?? []
  const oldestClient = oldest === undefined ? version : Number(oldest)
  if (oldestClient < 1 || oldestClient > version) {
    throw new RangeError(`${name}: its oldest client must be from 1 to ${version}.`)
  }
  return {
    ...{ version, name, oldestClient },
    hash: createHash('sha256').update(text).digest('hex'),
    statements: text.split('--> statement-breakpoint').map((statement) => statement.trim()),
  }
}

/** Its statements, for the schema of this name. */
export function statementsIn(schema: string, { statements }: Migration): string[] {
  return statements.map((statement) =>
    statement === generatedSchema
      ? schemaIfMissing(schema)
      : statement.replaceAll(`"${defaultSchema}"`, `"${schema}"`),
  )
}

const generatedSchema = `CREATE SCHEMA IF NOT EXISTS "${defaultSchema}";`

// PostgreSQL wants the right to create schemas for that even where there is nothing to create.
function schemaIfMissing(schema: string): string {
  return `do $$
begin
  if not exists (select from pg_namespace where nspname = '${schema}') then
    create schema "${schema}";
  end if;
end
$$`
}
