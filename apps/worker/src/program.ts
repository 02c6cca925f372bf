import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { allFlags, readFlags } from './flags.ts'
import type { Flags } from './flags.ts'

const more = `
A task module exports what defineTask() returns: under any name, as the default, or in arrays.
Flags win over variables; a variable for several values separates them by commas. A password is
safer in a variable, since anybody on the machine can read flags.

Signals:
  SIGTERM, SIGHUP    claim nothing more, finish the running tasks however long that takes
  SIGINT (Ctrl-C)    the same, but tell what still runs after --abort-after to abort
  a second signal    exit at once; what was running fails when the TTL is over

Exit codes: 0 stopped as asked, 1 failed, 2 wrong usage.

Examples:
  tasking-worker --tasks ./dist/tasks.js --database-url postgres://localhost/app
  tasking-worker --tasks ./src/tasks.ts --concurrency 16 --queue urgent default
  tasking-worker --tasks @acme/tasks ./more.js --name '{hostname}-{pid}' --log-level debug`

export function createProgram(run: (flags: Flags) => Promise<void>): Command {
  const command = new Command('tasking-worker')
    .description('Pulls tasks from PostgreSQL and runs them, until it is told to stop.')
    .version(packageVersion())
    .addHelpText('after', more)
    .exitOverride()
    // Whoever catches the error prints it.
    .configureOutput({ outputError: () => undefined })
  for (const option of allFlags()) command.addOption(option)
  return command.action(() => run(readFlags(command)))
}

/** The version of this program. */
export function packageVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return String((JSON.parse(manifest) as { version: unknown }).version)
}
