import { createTasking, defineTask } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { useDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { tasking as cli } from './cli-process.ts'

const database = useDatabase()
const idle = defineTask({ name: 'idle', run: () => undefined })
const alone = defineTask({ name: 'alone', resources: { exclusive: ['a'] }, run: () => undefined })

test('status sums up what there is to do', async () => {
  const { url } = database
  await using tasking = createTasking({ store: pgStore({ url, listen: false }) })
  await tasking.dispatch(idle, undefined, { queue: 'slow' })
  await tasking.dispatch(alone)
  await tasking.dispatch(alone)
  const [{ code, stdout }, json] = await Promise.all([
    cli(['status'], { url }),
    cli(['status', '--json'], { url }),
  ])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^workers +0 with 0 slots$/m)
  expect(stdout).toMatch(/^unblocked +2\b/m)
  expect(stdout).toMatch(/^blocked +1$/m)
  expect(stdout).toMatch(/^could run +2 at once$/m)
  expect(stdout).toMatch(/^slow +1 +\d /m)
  expect(JSON.parse(json.stdout)).toMatchObject({ parallel: 2, blocked: 1, complete: true })
})
