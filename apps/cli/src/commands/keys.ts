import { Command } from 'commander'
import { newEncryptionKey } from '@tasking/core'
import { globalFlags } from '../global-flags.ts'
import { print, printJson } from '../output.ts'

const more = `
Keep it where you keep passwords: without it, what was encrypted with it is lost. Put it first in
TASKING_ENCRYPTION_KEYS, before older ones, once every worker has it.

Examples:
  tasking keys generate
  export TASKING_ENCRYPTION_KEYS="$(tasking keys generate k2),$OLD_KEYS"`

export function keysCommand(): Command {
  const generate = new Command('generate')
    .description('Print a new random key for the inputs of tasks.')
    .argument('[id]', 'the name by which it is told from others', 'k1')
    .addHelpText('after', more)
    .action((id: string, _flags: unknown, command: Command) => {
      const key = newEncryptionKey(id)
      if (globalFlags(command).json) printJson({ key })
      else print(key)
    })
  return new Command('keys').description('Make encryption keys.').addCommand(generate)
}
