import type { AnyTaskDefinition, Isolation, Tasking } from '@tasking/core'
import { afterAll, beforeAll } from 'vitest'

import type { WorkerOptions } from '../src/index.ts'
import * as tasks from './fixtures/isolated-tasks.ts'
import { LogBook } from './log-book.ts'
import { Scene } from './scene.ts'
import type { SceneWorker } from './scene.ts'

type Options = Omit<WorkerOptions, 'tasking' | 'onEvent'>

export interface IsolatedWorker extends SceneWorker {
  readonly url: string
  readonly tasking: Tasking
  readonly book: LogBook
}

/** What a test changes of the tasks, and of what they run with. */
interface Changes {
  readonly definitions?: readonly AnyTaskDefinition[]
  /** Whether handlers apart from the worker share its database. Default false. */
  readonly shared?: boolean
}

/** A started worker that runs the tasks of the fixture there. */
export async function isolatedWorker(
  scene: Scene,
  isolation: Isolation,
  options: Options = {},
  { definitions = Object.values(tasks), shared = false }: Changes = {},
): Promise<IsolatedWorker> {
  const tasking = scene.tasking(definitions)
  const book = new LogBook()
  const started = await scene.startedWorker(tasking, {
    ...{ isolation, logger: book.logger, concurrency: 2 },
    taskingModule: new URL('fixtures/isolated-tasking.ts', import.meta.url),
    taskingData: { url: shared ? scene.url : null },
    ...options,
  })
  return { ...started, tasking, book, url: scene.url }
}

/** One for a whole `describe` block, since threads and processes take their time to start. */
export function useIsolatedWorker(
  isolation: Isolation,
  options: Options = {},
  changes: Changes = {},
) {
  let used: { readonly scene: Scene; readonly worker: IsolatedWorker } | undefined
  beforeAll(async () => {
    const scene = await Scene.open()
    used = { scene, worker: await isolatedWorker(scene, isolation, options, changes) }
  })
  afterAll(() => used?.scene[Symbol.asyncDispose]())
  return (): IsolatedWorker => {
    if (used === undefined) throw new Error('It is started in beforeAll; this came too early.')
    return used.worker
  }
}
