import { defineTask } from '@tasking/core'
import { expect, test } from 'vitest'

import { Scene } from './scene.ts'

const quick = defineTask({ name: 'quick', run: () => 1 })

test.each([
  [
    'thread',
    'does not know the tasks',
    'isolated-tasking.ts',
    /: its tasking does not know unknown\.$/,
  ],
  [
    'process',
    'does not know the tasks',
    'isolated-tasking.ts',
    /: its tasking does not know unknown\.$/,
  ],
  ['thread', 'fails', 'broken-tasking.ts', /: Error: no license found$/],
  ['process', 'fails', 'broken-tasking.ts', /: Error: no license found$/],
  ['process', 'exits', 'exiting-tasking.ts', /: it ended with exit code 5\.$/],
  ['thread', 'exports no tasking', 'isolated-tasks.ts', /isolated-tasks\.ts exports no "tasking"/],
  ['process', 'is not there', 'gone.ts', /Cannot find module/],
] as const)(
  'a worker does not start with a %s whose module %s',
  async (isolation, _, file, message) => {
    await using scene = await Scene.open('memory')
    const unknown = defineTask({ name: 'unknown', run: () => 1 })
    const { worker } = scene.worker(scene.tasking([quick, unknown]), {
      isolation,
      taskingModule: new URL(`fixtures/${file}`, import.meta.url),
      taskingData: { url: null },
    })
    const error: unknown = await worker.start().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      name: 'IsolationError',
      code: 'isolation_failed',
      message: expect.stringMatching(message),
    })
    await expect(worker.ended).rejects.toBe(error)
  },
)
