import { createTasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { useDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { tasking as cli } from './cli-process.ts'

const database = useDatabase()

test('queues are paused, listed and resumed', async () => {
  const { url } = database
  await using tasking = createTasking({ store: pgStore({ url, listen: false }) })
  const paused = await cli(['queues', 'pause', 'slow', '--reason', 'down'], { url })
  expect(paused).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Paused slow: /) })
  expect(await tasking.queues()).toMatchObject([{ queue: 'slow', reason: 'down', workers: 0 }])
  const { stdout } = await cli(['queues'], { url })
  expect(stdout).toMatch(/^slow +paused +\S+ +0 +down$/m)
  const resumed = await cli(['queues', 'resume', 'slow'], { url })
  expect(resumed).toMatchObject({ code: 0, stdout: 'Resumed slow.\n' })
  expect(await tasking.queues()).toEqual([])
})
