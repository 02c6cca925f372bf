import type { Command } from 'commander'
import { createTasking, encryptionFromVariables } from '@tasking/core'
import type { AnyTaskDefinition, Tasking } from '@tasking/core'
import { wrongUsage } from './command-error.ts'
import { globalFlags } from './global-flags.ts'

/** Where the database is, as the flags or variables say. */
export interface Place {
  readonly url: string
  readonly schema?: string
}

export function placeOf(command: Command): Place {
  const { databaseUrl: url, schema } = globalFlags(command)
  if (url === undefined) {
    throw wrongUsage(
      'There is no database: name it with --database-url, or in TASKING_DATABASE_URL.',
    )
  }
  return { url, ...(schema !== undefined && { schema }) }
}

/** Whether there are keys, and only definitions say which inputs are encrypted with them. */
export function encryptsByDefinition(): boolean {
  const encryption = encryptionFromVariables(process.env)
  return encryption !== undefined && encryption.all === undefined
}

/** Hands out a tasking on the database, and closes it afterwards. */
export async function withTasking(
  command: Command,
  use: (tasking: Tasking) => Promise<void>,
  tasks: readonly AnyTaskDefinition[] = [],
): Promise<void> {
  const place = placeOf(command)
  // Loaded when it is needed, so that --help is quick.
  const { pgStore } = await import('@tasking/store-pg')
  const store = pgStore({ ...place, poolSize: 2, listen: false })
  const encryption = encryptionFromVariables(process.env)
  await using tasking = createTasking({ store, tasks, ...(encryption && { encryption }) })
  await use(tasking)
}
