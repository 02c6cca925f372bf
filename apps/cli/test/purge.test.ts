import { createTasking, defineTask } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { useDatabase } from '@tasking/testbed'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tasking as cli } from './cli-process.ts'

const database = useDatabase()
const idle = defineTask({ name: 'idle', run: () => undefined })
let tasking: Tasking

beforeAll(() => {
  tasking = createTasking({ store: pgStore({ url: database.url, listen: false }) })
})
afterAll(() => tasking.close())

async function canceled(): Promise<string> {
  const { id } = await tasking.dispatch(idle)
  await tasking.cancel(id)
  return id
}

test('purge counts on a dry run, deletes otherwise, and only what fits', async () => {
  const { url } = database
  await canceled()
  const all = ['purge', '--older-than', '0ms', '--state', 'canceled', 'failed']
  const [counted, completed, elsewhere] = await Promise.all([
    cli([...all, '--dry-run'], { url }),
    cli(['purge', '--older-than', '0ms', '--json'], { url }),
    cli([...all, '--queue', 'other'], { url }),
  ])
  expect(counted).toEqual({ code: 0, stdout: '1 task would be deleted.\n', stderr: '' })
  expect(JSON.parse(completed.stdout)).toEqual({ purged: 0, dryRun: false })
  expect(elsewhere.stdout).toBe('0 tasks deleted.\n')
  expect(await cli(all, { url })).toMatchObject({ code: 0, stdout: '1 task deleted.\n' })
  expect(await tasking.list()).toEqual([])
})

test.each([
  [['purge'], /--older-than <duration>' not specified.*\[invalid_usage\]/],
  [['purge', '--older-than', '30'], /argument '30' is invalid.*\[invalid_usage\]/],
  [['purge', '--older-than', '1d', '--state', 'waiting'], /argument 'waiting' is invalid/],
])('%j is wrong usage', async (args, message) => {
  const { code, stderr } = await cli(args, { url: database.url })
  expect(code).toBe(2)
  expect(stderr).toMatch(message)
})

test('delete goes on where one is refused, and says so in the end', async () => {
  const { id: waiting } = await tasking.dispatch(idle)
  const done = await canceled()
  const { code, stdout, stderr } = await cli(['delete', waiting, done], { url: database.url })
  expect({ code, stdout }).toEqual({ code: 1, stdout: `${done} deleted\n` })
  expect(stderr).toBe(
    `error: Task ${waiting} can't be deleted: it is waiting. [task_state_conflict]\n`,
  )
})
