import { Command } from 'commander'
import { placeOf } from '../connection.ts'
import { globalFlags } from '../global-flags.ts'
import { print, printJson } from '../output.ts'

const more = `
Any number of processes may do this at once; it changes nothing where nothing is to change.

Examples:
  tasking migrate --database-url postgres://localhost/app
  tasking migrate --schema my_tasks --json`

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('Bring the schema in the database to the version of this program.')
    .addHelpText('after', more)
    .action(async (_flags: unknown, command: Command) => {
      const place = placeOf(command)
      const { migrate, pgStore } = await import('@tasking/store-pg')
      // Refuses a URL or schema name that can't be used, before anything is written.
      await pgStore(place).close()
      const { from, to } = await migrate(place)
      const { schema = 'tasking' } = place
      if (globalFlags(command).json) printJson({ schema, from, to })
      else if (from === to) print(`Schema "${schema}" is at version ${to} already.`)
      else print(`Schema "${schema}" went from version ${from} to version ${to}.`)
    })
}
