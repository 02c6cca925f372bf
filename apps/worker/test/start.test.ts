import { createTasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { eventually, testDatabase, useDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { double } from './fixtures/tasks.ts'
import { startWorker } from './worker-process.ts'
import { openWorkerScene } from './worker-scene.ts'

const database = useDatabase()

test('it is set up by variables, and flags win over them', async () => {
  const store = pgStore({ url: database.url, listen: false })
  await using tasking = createTasking({ store })
  await using worker = startWorker(['--concurrency', '3', '--name', 'n-{pid}'], {
    TASKING_TASKS: './tasks.ts, ./tasks.ts',
    TASKING_DATABASE_URL: database.url,
    DATABASE_URL: 'postgres://127.0.0.1:1/unused',
    TASKING_CONCURRENCY: '7',
    TASKING_QUEUE: 'urgent,default',
    TASKING_TTL: '5s',
    TASKING_POLL_INTERVAL: '',
    TASKING_AUXILIARY: 'false',
  })
  await worker.waitForLine(/"worker started"/)
  expect(await tasking.store.workers()).toMatchObject([
    {
      name: `n-${worker.pid}`,
      concurrency: 3,
      queues: ['urgent', 'default'],
      taskNames: ['deaf', 'double', 'hold'],
      ttlMs: 5_000,
    },
  ])
  worker.kill('SIGTERM')
  expect(await worker.exit).toEqual({ code: 0, signal: null })
  expect(await tasking.store.workers()).toEqual([])
})

test('without the tables it says what to do, and ends', async () => {
  await using empty = await testDatabase({ migrated: false })
  await using worker = startWorker(['--tasks', './tasks.ts', '--database-url', empty.url])
  expect(await worker.exit).toEqual({ code: 1, signal: null })
  const output = worker.lines.join('\n')
  expect(output).toMatch(/^error: .*Run "tasking migrate" first\. \[schema_missing\]$/m)
  expect(output).toMatch(/^\{"level":"fatal".*"code":"schema_missing"/m)
  expect(output).not.toContain('"stack"')
})

test('without a database it keeps trying, says where, and can be stopped', async () => {
  const url = 'postgres://user:secret@127.0.0.1:1/nowhere'
  await using worker = startWorker(['--tasks', './tasks.ts'], { DATABASE_URL: url })
  const attempts = () =>
    worker.lines.filter((line) =>
      line.includes('No answer from the database at 127.0.0.1:1/nowhere'),
    )
  await eventually(() => attempts().length >= 3, { what: 'three attempts' })
  worker.kill('SIGTERM')
  expect(await worker.exit).toEqual({ code: 0, signal: null })
  expect(worker.lines.join('\n')).not.toMatch(/secret|"stack"/)
})

test('a worker that was given up for missing ends', async () => {
  await using tasking = createTasking({ store: pgStore({ url: database.url, listen: false }) })
  await using worker = startWorker(['--tasks', './tasks.ts', '--ttl', '1s'], {
    TASKING_DATABASE_URL: database.url,
  })
  await worker.waitForLine(/"worker started"/)
  const [record] = await tasking.store.workers()
  await tasking.store.unregisterWorker(record?.id ?? '')
  expect(await worker.exit).toEqual({ code: 1, signal: null })
  expect(worker.lines.join('\n')).toMatch(/^error: .*\[worker_missing\]$/m)
})

test('what ends is logged with its task', async () => {
  await using scene = await openWorkerScene()
  const worker = await scene.start()
  const handle = await scene.tasking.dispatch(double, { number: 21 })
  expect(await handle.result()).toBe(42)
  await worker.waitForLine(new RegExp(`"taskId":"${handle.id}".*"task ended"`))
})
