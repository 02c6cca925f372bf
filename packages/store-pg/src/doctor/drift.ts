import type { Connection } from '../connection.ts'
import { readLedger, versionOf } from '../ledger.ts'
import type { Migration } from '../migration-files.ts'
import { upgradeSteps } from '../upgrade.ts'
import { readCatalog } from './catalog.ts'
import type { CatalogObject } from './catalog.ts'
import type { Examination } from './examination.ts'
import type { Finding } from './finding.ts'

const code = 'drift'

/**
 * Compares the schema with a fresh one of the same version, made beside it and taken back: so
 * the server itself says how everything is to look, whatever its version.
 */
export async function examineDrift({
  connection,
  schema,
  migrations,
}: Examination): Promise<Finding[]> {
  const version = versionOf(await readLedger(connection, schema))
  if (version > migrations.length) {
    const message = `This code knows version ${migrations.length} at most, not how one of version ${version} is to look.`
    return [unchecked(message, 'Ask the doctor of the newest @tasking/store-pg.')]
  }
  const [row] = await connection.query(
    `select current_user::text, current_database()::text,
            has_database_privilege(current_database(), 'CREATE')`,
  )
  const [user, database, mayCreate] = row as [string, string, boolean]
  if (!mayCreate) {
    const message = `User "${user}" may not create a schema to compare with.`
    const advice = `Ask as the user that migrates, or grant create on database "${database}" to "${user}".`
    return [unchecked(message, advice)]
  }
  const found = await readCatalog(connection, schema)
  const expected = await freshCatalog(connection, schema, migrations.slice(0, version))
  const findings = differences(schema, expected, found)
  if (findings.length > 0) return findings
  const message = `All ${found.length} objects of the schema "${schema}" are as in a fresh one of version ${version}.`
  return [{ code, severity: 'ok', message }]
}

function unchecked(why: string, advice: string): Finding {
  const message = `What differs from a fresh schema could not be found out. ${why}`
  return { code, severity: 'warning', message, advice }
}

/** How a schema of this name would look, were it made now. */
async function freshCatalog(
  connection: Connection,
  schema: string,
  migrations: readonly Migration[],
): Promise<CatalogObject[]> {
  const [row] = await connection.query(
    `select 'tasking_fresh_' || pg_current_xact_id()::text, quote_ident($1)`,
    [schema],
  )
  const [fresh, identifier] = row as [string, string]
  await connection.query('savepoint fresh')
  const statements = upgradeSteps(migrations, fresh, 0).flatMap((step) => step.statements)
  for (const statement of statements) await connection.query(statement)
  const objects = await readCatalog(connection, fresh)
  await connection.query('rollback to savepoint fresh')
  // Migrations quote the name always, the server where it must.
  const renamed = (text: string) =>
    text.replaceAll(`"${fresh}"`, `"${schema}"`).replaceAll(fresh, identifier)
  return objects.map(({ name, definition, ...rest }) => ({
    ...{ ...rest, name: renamed(name), definition: renamed(definition) },
  }))
}

function differences(
  schema: string,
  expected: readonly CatalogObject[],
  found: readonly CatalogObject[],
): Finding[] {
  const theirs = byLabel(expected)
  const ours = byLabel(found)
  const wanted = expected.filter(isPartOf(ours)).flatMap((object) => {
    const own = ours.get(labelOf(object))
    return own?.definition === object.definition ? [] : [changed(schema, object, own)]
  })
  const added = found.filter((object) => !theirs.has(labelOf(object)))
  return [...wanted, ...added.filter(isPartOf(theirs)).map(unexpected)]
}

function changed(schema: string, object: CatalogObject, own: CatalogObject | undefined): Finding {
  const label = labelOf(object)
  const message =
    own === undefined
      ? `The ${label} is missing.`
      : `The ${label} is different: ${difference(own.definition, object.definition)}.`
  // Operators may have good reasons to set storage parameters.
  if (object.kind === 'storage of') {
    return { code, severity: 'warning', message, advice: 'Fine, if it was done on purpose.' }
  }
  const advice = `Restore it by hand: "tasking migrate --print --from 0 --schema ${schema}" shows how it was made.`
  return { code, severity: 'error', message, advice }
}

function unexpected(object: CatalogObject): Finding {
  const message = `The ${labelOf(object)} is not Tasking's.`
  return object.restrictive
    ? { code, severity: 'error', message, advice: 'It can refuse what Tasking writes: drop it.' }
    : { code, severity: 'warning', message, advice: 'A later migration may stumble over it.' }
}

/** Of a table that is all new or missing, the parts go without saying. */
function isPartOf(objects: ReadonlyMap<string, CatalogObject>) {
  return ({ table }: CatalogObject) => table === null || objects.has(`table ${table}`)
}

function byLabel(objects: readonly CatalogObject[]): Map<string, CatalogObject> {
  return new Map(objects.map((object) => [labelOf(object), object]))
}

function labelOf({ kind, name }: CatalogObject): string {
  return `${kind} ${name}`
}

/** The first line that differs. */
function difference(found: string, expected: string): string {
  const [ours, theirs] = [found.split('\n'), expected.split('\n')]
  const length = Math.max(ours.length, theirs.length)
  const at = Array.from({ length }).findIndex((_, line) => ours[line] !== theirs[line])
  const shown = (line: string | undefined) =>
    line === undefined ? 'nothing' : `"${line.trim().slice(0, 300)}"`
  const place = length > 1 ? `line ${at + 1} of it is` : 'it is'
  return `${place} ${shown(ours[at])} in place of ${shown(theirs[at])}`
}
