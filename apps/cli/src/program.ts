import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { cancelCommand } from './commands/cancel.ts'
import { deleteCommand } from './commands/delete.ts'
import { dispatchCommand } from './commands/dispatch.ts'
import { doctorCommand } from './commands/doctor.ts'
import { explainCommand } from './commands/explain.ts'
import { groupsCommand } from './commands/groups.ts'
import { keysCommand } from './commands/keys.ts'
import { listCommand } from './commands/list.ts'
import { migrateCommand } from './commands/migrate.ts'
import { purgeCommand } from './commands/purge.ts'
import { queuesCommand } from './commands/queues.ts'
import { resourcesCommand } from './commands/resources.ts'
import { schedulesCommand } from './commands/schedules.ts'
import { showCommand } from './commands/show.ts'
import { statusCommand } from './commands/status.ts'
import { workersCommand } from './commands/workers.ts'
import { demoCommand } from './demo/command.ts'
import { addGlobalFlags } from './global-flags.ts'

const commands = [
  migrateCommand,
  doctorCommand,
  dispatchCommand,
  listCommand,
  showCommand,
  explainCommand,
  resourcesCommand,
  cancelCommand,
  deleteCommand,
  purgeCommand,
  groupsCommand,
  schedulesCommand,
  keysCommand,
  workersCommand,
  queuesCommand,
  statusCommand,
  demoCommand,
]

const more = `
Exit codes: 0 done, 1 failed, 2 wrong usage. Errors go to standard error.

Examples:
  tasking migrate --database-url postgres://localhost/app
  tasking dispatch repository.sync '{"repository": "42"}' --tasks ./dist/tasks.js --wait
  tasking list --state running waiting`

export function createProgram(): Command {
  const program = addGlobalFlags(new Command('tasking'))
    .description('Dispatches, shows and cancels tasks on PostgreSQL.')
    .version(packageVersion())
    .addHelpText('after', more)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    // Whoever catches the error prints it.
    .configureOutput({ outputError: () => undefined })
  for (const create of commands) {
    const command = create().copyInheritedSettings(program)
    // What a command has below it was made before there was anything to inherit.
    for (const below of command.commands) below.copyInheritedSettings(program)
    program.addCommand(command)
  }
  return program
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return String((JSON.parse(manifest) as { version: unknown }).version)
}
