import { createTasking } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { loadTaskModules } from '@tasking/worker'
import { encryption } from './encryption.ts'
import { lazyStore } from './lazy-store.ts'

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
  const store = lazyStore(async () => {
    const { pgStore } = await import('@tasking/store-pg')
    // One handler at a time, which listens to nothing.
    return pgStore({ url, listen: false, poolSize: 2, ...(schema !== undefined && { schema }) })
  })
  return createTasking({ store, tasks: await loadTaskModules(modules, cwd), ...encryption() })
}
