import { createTasking } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { loadTaskModules } from '@tasking/worker'

/** What the worker's threads and processes need to make a tasking like its own. */
export type IsolatedSettings = {
  readonly modules: readonly string[]
  /** Where the modules are looked up. */
  readonly cwd: string
  readonly url: string
  readonly schema: string | undefined
}

/** The tasking of a thread or process for handlers, which loads this module. */
export async function tasking(settings: IsolatedSettings): Promise<Tasking> {
  const { modules, cwd, url, schema } = settings
  // One handler at a time, which listens to nothing; nothing is connected before it dispatches.
  const store = pgStore({
    url,
    listen: false,
    poolSize: 2,
    ...(schema !== undefined && { schema }),
  })
  return createTasking({ store, tasks: await loadTaskModules(modules, cwd) })
}
