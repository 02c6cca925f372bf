import { Option } from 'commander'
import type { Command } from 'commander'

/** What every command takes. */
export interface GlobalFlags {
  readonly databaseUrl: string | undefined
  readonly schema: string | undefined
  readonly json: boolean
}

export function addGlobalFlags(program: Command): Command {
  return program
    .addOption(
      new Option(
        '--database-url <url>',
        'the PostgreSQL database; DATABASE_URL will do as well',
      ).env('TASKING_DATABASE_URL'),
    )
    .addOption(
      new Option('--schema <name>', 'the PostgreSQL schema (default: tasking)').env(
        'TASKING_SCHEMA',
      ),
    )
    .option('--json', 'print JSON, errors too')
    .option('--no-color', 'print without colors, like NO_COLOR=1; FORCE_COLOR=1 prints with them')
}

/** @param command any command, to whose program the flags were given */
export function globalFlags(command: Command): GlobalFlags {
  const { databaseUrl, schema, json } = command.optsWithGlobals<Partial<GlobalFlags>>()
  return {
    // Set but empty is how Compose files leave a variable out.
    databaseUrl: databaseUrl || process.env['DATABASE_URL'] || undefined,
    schema: schema || undefined,
    json: json ?? false,
  }
}
