import type { NewTask } from '@tasking/core'
import type { Database } from '../database.ts'
import { requireVersions } from '../verbs/requirements.ts'

/**
 * Makes what these tasks require known to the workers, before they are dispatched. In a transaction
 * of its own, which waits for nobody's and keeps nobody waiting.
 */
export async function announceRequirements(
  database: Database,
  tasks: readonly Pick<NewTask, 'name' | 'options'>[],
): Promise<void> {
  if (tasks.every(({ options }) => options?.requires === undefined)) return
  const { pool } = await database.open()
  await database.verb('require', pool, () => requireVersions(pool, database.schema, tasks))
}
