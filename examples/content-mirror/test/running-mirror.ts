import { join } from 'node:path'
import { createTasking } from '@tasking/core'
import type { AnyTaskDefinition, Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { createWorker } from '@tasking/worker'
import { tasks } from '../src/tasks/index.ts'
import { temporaryFolder, write } from './folder.ts'
import type { Files } from './folder.ts'

/** Workers at work on an empty store, in a folder that has room for sources too. */
export interface RunningMirror extends AsyncDisposable {
  readonly tasking: Tasking
  readonly store: string
  /** Makes, or adds to, the folder that a repository is synced from. */
  source(name: string, files: Files): Promise<string>
}

export async function runMirror(
  url: string,
  definitions: readonly AnyTaskDefinition[] = tasks,
): Promise<RunningMirror> {
  const folder = await temporaryFolder()
  const tasking = createTasking({ store: pgStore({ url }), tasks: definitions })
  const workers = Array.from({ length: 3 }, () => createWorker({ tasking, concurrency: 4 }))
  await Promise.all(workers.map((worker) => worker.start()))
  return {
    tasking,
    store: join(folder.path, 'store'),
    source: (name, files) => write(join(folder.path, 'sources', name), files),
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.stop({ abortAfter: 0 })))
      await tasking.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}
