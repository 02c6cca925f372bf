import { hasLedger, ledgerRow, ledgerTable } from './ledger.ts'
import { statementsIn } from './migration-files.ts'
import type { Migration } from './migration-files.ts'

/** What leads from one version to the next: the same SQL whoever runs it. */
interface UpgradeStep {
  readonly migration: Migration
  readonly statements: readonly string[]
}

export function upgradeSteps(
  migrations: readonly Migration[],
  schema: string,
  from: number,
): UpgradeStep[] {
  return migrations.slice(from).map((migration) => ({
    migration,
    statements: [
      ...statementsIn(schema, migration),
      ...(migration.version === 1 ? [ledgerTable(schema)] : []),
      ledgerRow(schema, migration),
    ],
  }))
}

/** One migration of a schema at a time; gone with its transaction. */
export function migrationLock(schema: string): string {
  return `pg_advisory_xact_lock(hashtextextended('tasking migration of ${schema}', 0))`
}

/** The whole upgrade as a script, for psql or any other tool that runs one. */
export function upgradeScript(
  migrations: readonly Migration[],
  schema: string,
  from: number,
): string {
  const to = migrations.length
  if (from >= to) return `-- Schema "${schema}" is at version ${from} already: nothing to do.\n`
  const steps = upgradeSteps(migrations, schema, from).map(({ migration, statements }) =>
    [`-- Version ${migration.version}: ${migration.name}`, ...statements.map(ended)].join('\n\n'),
  )
  return `${[opening(schema, from, to), ...steps, 'commit;'].join('\n\n')}\n`
}

// "read committed", so that the version is read after the lock is there, not before.
function opening(schema: string, from: number, to: number): string {
  return `-- Brings the schema "${schema}" from version ${from} to version ${to}, all of it or nothing.
-- With psql: psql -v ON_ERROR_STOP=1 -f this-file.sql

begin transaction isolation level read committed;

do $$
begin
  perform ${migrationLock(schema)};
  if ${isElsewhere(schema, from)} then
    raise exception 'The schema "${schema}" is not at version ${from}: print this script again.';
  end if;
end
$$;`
}

function isElsewhere(schema: string, from: number): string {
  if (from === 0) return hasLedger(schema)
  return `(select max(version) from "${schema}".migration) is distinct from ${from}`
}

// Where a statement ends with a comment, the semicolon must not become a part of it.
function ended(statement: string): string {
  return statement.endsWith(';') ? statement : `${statement}\n;`
}
