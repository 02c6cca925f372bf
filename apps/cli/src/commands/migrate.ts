import { Command, InvalidArgumentError, Option } from 'commander'
import type { MigrationReport, SchemaVersion } from '@tasking/store-pg'
import { wrongUsage } from '../command-error.ts'
import { placeOf } from '../connection.ts'
import { globalFlags } from '../global-flags.ts'
import { note, print, printJson } from '../output.ts'

interface MigrateFlags {
  readonly check?: true
  readonly print?: true
  readonly from?: number
}

const more = `
Any number of processes may do this at once; it changes nothing where nothing is to change. With
--print it changes nothing at all: the SQL is one transaction, for psql or any other tool, and begins
at the version of the database, at that of --from, or with neither at nothing.

Exit codes: 0 done, or with --check: fits; 1 failed, or doesn't fit; 2 wrong usage.

Examples:
  tasking migrate --database-url postgres://localhost/app
  tasking migrate --schema my_tasks --json
  tasking migrate --check && tasking-worker --tasks ./dist/tasks.js
  tasking migrate --print | psql -v ON_ERROR_STOP=1 postgres://dba@localhost/app
  tasking migrate --print --from 0 > schema.sql`

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('Bring the schema in the database to the version of this program.')
    .option('--check', 'only say whether this program can work with the schema as it is')
    .addOption(new Option('--print', 'only print the SQL that would do it').conflicts('check'))
    .option('--from <version>', 'print from this version on, without a database', version)
    .addHelpText('after', more)
    .action(async (flags: MigrateFlags, command: Command) => {
      if (flags.print) return printSql(flags, command)
      if (flags.from !== undefined) throw wrongUsage('--from goes with --print only.')
      const { checkMigrations, migrate } = await import('@tasking/store-pg')
      const place = placeOf(command)
      const { schema = 'tasking' } = place
      const report = flags.check ? await checkMigrations(place) : await migrate(place)
      if (globalFlags(command).json) return printJson({ schema, ...report })
      print(`Schema "${schema}" ${'to' in report ? changeText(report) : fitText(report)}`)
      if ('to' in report && report.from > 0 && report.oldestClient > report.from) {
        note(`From now on it refuses clients older than version ${report.oldestClient}.`)
      }
    })
}

async function printSql({ from }: MigrateFlags, command: Command): Promise<void> {
  const { databaseUrl: url, schema = 'tasking', json } = globalFlags(command)
  const { migrationSql } = await import('@tasking/store-pg')
  const script = await migrationSql(
    url === undefined || from !== undefined ? { from: from ?? 0, schema } : { url, schema },
  )
  if (json) printJson({ schema, ...script })
  else print(script.sql.trimEnd())
}

function changeText({ from, to }: MigrationReport): string {
  return from === to
    ? `is at version ${to} already.`
    : `went from version ${from} to version ${to}.`
}

function fitText({ version: own, client }: SchemaVersion): string {
  return own === client
    ? `is at version ${own}, that of this program.`
    : `is at version ${own}, which this program (version ${client}) can work with.`
}

function version(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a version, a whole number from 0.')
}
