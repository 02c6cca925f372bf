import { createTasking } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { useDatabase } from '@tasking/testbed'
import { createWorker } from '@tasking/worker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tasking as cli } from './cli-process.ts'
import { fail, greet } from './fixtures/tasks.ts'

const database = useDatabase()
let tasking: Tasking
/** The ids of the tasks, by what became of them. */
const ids = { completed: '', failed: '', first: '', second: '' }

beforeAll(async () => {
  tasking = createTasking({ store: pgStore({ url: database.url }), tasks: [greet, fail] })
  const worker = await createWorker({ tasking }).start()
  const done = await tasking.dispatch(greet, { name: 'Ann' }, { queue: 'default' })
  const failed = await tasking.dispatch(fail)
  await Promise.all([done.finished(), failed.finished()])
  await worker.stop()
  ids.completed = done.id
  ids.failed = failed.id
  ids.first = (await tasking.dispatch(greet, { name: 'Bo' })).id
  ids.second = (await tasking.dispatch(greet, { name: 'Bo' })).id
  const common = { version: '1', concurrency: 4, queues: ['default'], taskNames: ['greet'] }
  const { store } = tasking
  await store.registerWorker({ id: store.newId(), name: 'steady', ttlMs: 600_000, ...common })
  await store.registerWorker({ id: store.newId(), name: 'silent', ttlMs: 1, ...common })
})

afterAll(() => tasking.close())

test('list shows the newest first, and what is blocked', async () => {
  const { code, stdout } = await cli(['list'], { url: database.url })
  expect(code).toBe(0)
  const [head, ...rows] = stdout.trim().split('\n')
  expect(head).toMatch(/^ID +NAME +STATE +QUEUE +AGE +RAN +RESOURCES$/)
  expect(rows).toEqual([
    expect.stringMatching(`^${ids.second} +greet +waiting \\(blocked\\) +greetings .*person:Bo`),
    expect.stringMatching(`^${ids.first} +greet +waiting \\(unblocked\\)`),
    expect.stringMatching(`^${ids.failed} +fail +failed +default`),
    expect.stringMatching(`^${ids.completed} .*person:Ann, language \\(shared\\)$`),
  ])
})

test('list is filtered by each of its flags', async () => {
  const list = async (...args: string[]) => {
    const { stdout } = await cli(['list', '--json', ...args], { url: database.url })
    return (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id)
  }
  const { completed, failed, first, second } = ids
  const lists = await Promise.all([
    list('--state', 'completed', 'failed'),
    list('--resource', 'person:Bo', '--name', 'greet'),
    list('--before', first, '--limit', '1'),
    list('--queue', 'greetings', '--state', 'completed'),
  ])
  expect(lists).toEqual([[failed, completed], [second, first], [failed], []])
})

test('show tells everything, the error with its stack', async () => {
  const { url } = database
  const [failed, done, nobody] = await Promise.all([
    cli(['show', ids.failed], { url }),
    cli(['show', ids.completed, '--json'], { url }),
    cli(['show', 'nobody'], { url }),
  ])
  expect(failed.code).toBe(0)
  expect(failed.stdout).toMatch(/^error +RangeError: out of luck\n +at .*tasks\.ts/m)
  expect(JSON.parse(done.stdout)).toMatchObject({
    ...{ id: ids.completed, state: 'completed', result: { greeting: 'Hello Ann!' } },
    fencingToken: expect.stringMatching(/^\d+$/),
    finishedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  })
  expect(nobody).toEqual({
    ...{ code: 1, stdout: '' },
    stderr: 'error: There is no task nobody. [task_not_found]\n',
  })
})

test('show and list tell what belongs together', async () => {
  const { url } = database
  const parentId = ids.completed
  const options = { parentId, correlationId: 'request 7' }
  const { id } = await tasking.dispatch(greet, { name: 'Cy' }, options)
  const [child, parent, listed] = await Promise.all([
    cli(['show', id], { url }),
    cli(['show', parentId], { url }),
    cli(['list', '--json', '--parent', parentId, '--correlation', 'request 7'], { url }),
  ])
  await tasking.cancel(id)
  expect(child.stdout).toMatch(new RegExp(`^parent +${parentId}\ncorrelation +request 7$`, 'm'))
  expect(parent.stdout).toMatch(/^children +1 waiting$/m)
  expect(JSON.parse(listed.stdout)).toMatchObject([{ id }])
  const { stdout } = await cli(['show', parentId, '--json'], { url })
  expect(JSON.parse(stdout)).toMatchObject({ children: { canceled: 1, waiting: 0 } })
})

test('show tells how far a task has come', async () => {
  const { url } = database
  const { fencingToken, workerId } = await tasking.find(ids.completed)
  const report = { code: 'files', message: 'copying', done: 1_500, total: 6_000, suffix: 'files' }
  const other = { ...report, code: 'progress', message: 'thinking', total: null, suffix: null }
  const reports = [
    { id: ids.completed, fencingToken: fencingToken ?? 0n, reports: [report, other] },
  ]
  await tasking.store.reportProgress(workerId ?? '', reports)
  const { stdout } = await cli(['show', ids.completed], { url })
  expect(stdout).toMatch(
    /^progress +copying: 1,500 of 6,000 files \(25 %\) \[files\]\n +thinking: 1,500$/m,
  )
})

test('cancel goes on where one is refused, and says so in the end', async () => {
  const { code, stdout, stderr } = await cli(
    ['cancel', ids.completed, ids.second, '--reason', 'one is enough'],
    { url: database.url },
  )
  expect({ code, stdout }).toEqual({ code: 1, stdout: `${ids.second} canceled\n` })
  expect(stderr).toMatch(/it is completed already\. \[task_state_conflict\]\n$/)
  expect(await tasking.find(ids.second)).toMatchObject({
    ...{ state: 'canceled', cancelReason: 'one is enough' },
  })
})

test('workers shows who is alive', async () => {
  const { url } = database
  const [{ stdout }, json] = await Promise.all([
    cli(['workers'], { url }),
    cli(['workers', '--json'], { url }),
  ])
  expect(stdout).toMatch(/^steady +[-\da-f]{36} +worker +alive +0\/4 .* ago +default +greet$/m)
  expect(stdout).toMatch(/^silent +[-\da-f]{36} +worker +overdue /m)
  expect(JSON.parse(json.stdout)).toMatchObject([
    { name: 'steady', alive: true, ttlMs: 600_000 },
    { name: 'silent', alive: false },
  ])
})
