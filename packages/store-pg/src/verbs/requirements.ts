import type { NewTask } from '@tasking/core'
import type { Connection } from '../connection.ts'

/** Tells workers of requirements that are new, so that those which fulfil them claim such tasks. */
export async function requireVersions(
  connection: Connection,
  schema: string,
  tasks: readonly Pick<NewTask, 'name' | 'options'>[],
): Promise<void> {
  const asked = tasks.map(({ name, options }) => ({ name, requires: options?.requires }))
  await connection.query(`select "${schema}".require_versions($1::text::jsonb)`, [
    JSON.stringify(asked.filter(({ requires }) => requires !== undefined)),
  ])
}
