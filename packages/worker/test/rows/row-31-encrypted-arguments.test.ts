import { fileURLToPath } from 'node:url'
import { createTasking, encryptionKeysFrom, newEncryptionKey } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { eventually, spawnNode, testDatabase } from '@tasking/testbed'
import postgres from 'postgres'
import { describe, expect, test } from 'vitest'
import { relays } from '../fixtures/relaying-tasks.ts'
import * as tasks from '../fixtures/secret-tasks.ts'
import { EventLog } from '../event-log.ts'
import { createWorker } from '../../src/index.ts'

const program = new URL('../../../../apps/worker/src/main.ts', import.meta.url)
const fileOf = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
const variable = newEncryptionKey('k1')
const keys = encryptionKeysFrom(variable)
const password = 'correct horse battery staple'

/** A database, and taskings on it with and without the key. */
async function setUp(stack: AsyncDisposableStack) {
  const database = stack.use(await testDatabase())
  const open = (own = keys): Tasking => {
    const store = pgStore({ url: database.url, poolSize: 3 })
    const encryption = own.length === 0 ? {} : { encryption: { keys: own } }
    return stack.use(createTasking({ store, tasks: Object.values(tasks), ...encryption }))
  }
  return { database, open }
}

/** That so many tasks and schedules are there, and none of their inputs can be read. */
async function expectSealed(url: string, count: number): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  const rows = await sql`
    select to_json(t)::text as row from tasking.task as t
    union all select to_json(s)::text from tasking.schedule as s`
  await sql.end()
  expect(rows).toHaveLength(count)
  for (const { row } of rows) {
    expect(row).toContain('"$encrypted"')
    expect(row).not.toMatch(/password|horse/)
  }
}

describe('row 31: encrypted arguments', () => {
  test('a worker with the key runs them: inline, in a thread, in a process', async () => {
    await using stack = new AsyncDisposableStack()
    const { database, open } = await setUp(stack)
    const args = [
      '--tasks',
      fileOf('secret-tasks.ts'),
      '--database-url',
      database.url,
      '--concurrency',
      '3',
    ]
    const env = { TASKING_ENCRYPTION_KEYS: variable }
    const worker = stack.use(spawnNode(program, args, { env }))
    await worker.waitForLine(/"worker started"/)
    const tasking = open()
    const handles = [
      await tasking.dispatch(tasks.inline, { password }),
      await tasking.dispatch(tasks.thread, { password }),
      await tasking.dispatch(tasks.process, { password }),
    ]
    const results = await Promise.all(handles.map((one) => one.result({ timeout: '30s' })))
    const isolations = ['inline', 'thread', 'process']
    expect(results).toEqual(isolations.map((isolation) => ({ isolation, length: password.length })))
    expect(worker.lines.join()).not.toContain(password)
  })

  test('at rest nothing of them can be read, in tasks and in schedules', async () => {
    await using stack = new AsyncDisposableStack()
    const { database, open } = await setUp(stack)
    const tasking = open()
    await tasking.dispatch(tasks.inline, { password })
    await tasking.schedules.set({ name: 'a', task: tasks.inline, input: { password }, every: '1h' })
    await tasking.schedules.runNow('a')
    await expectSealed(database.directUrl, 3)
  })

  test('TASKING_ENCRYPT_ALL holds for what handlers dispatch and for declared schedules', async () => {
    await using stack = new AsyncDisposableStack()
    const { database } = await setUp(stack)
    const args = ['--tasks', fileOf('relaying-tasks.ts'), '--database-url', database.url]
    const env = { TASKING_ENCRYPTION_KEYS: variable, TASKING_ENCRYPT_ALL: 'true' }
    const options = ['--concurrency', '3', '--housekeeping', 'schedules=100ms']
    const worker = stack.use(spawnNode(program, [...args, ...options], { env }))
    await worker.waitForLine(/"worker started"/)
    const store = pgStore({ url: database.url, poolSize: 3 })
    const tasking: Tasking = stack.use(createTasking({ store, encryption: { keys, all: true } }))
    const handles = await Promise.all(relays.map((relay) => tasking.dispatch(relay, { password })))
    for (const handle of handles) {
      const child = tasking.task(await handle.result({ timeout: '30s' }))
      expect(await child.result({ timeout: '30s' })).toBe(password.length)
    }
    const declared = async () => (await tasking.schedules.list()).length > 0
    await eventually(declared, { what: 'the schedule' })
    await expectSealed(database.directUrl, 7)
  })

  test('without the key: listing, showing, canceling, deleting, but not dispatching', async () => {
    await using stack = new AsyncDisposableStack()
    const { open } = await setUp(stack)
    const { id } = await open().dispatch(tasks.inline, { password })
    const keyless = open([])
    expect(await keyless.list()).toMatchObject([{ id, name: 'login.inline' }])
    const shown = await keyless.find(id)
    expect(shown.resources.shared).toEqual(['accounts'])
    await expect(keyless.openInput(shown)).rejects.toMatchObject({ keyId: 'k1' })
    expect(await keyless.cancel(id)).toMatchObject({ state: 'canceled' })
    await keyless.delete(id)
    expect(await keyless.list()).toEqual([])
    await expect(keyless.dispatch(tasks.inline, { password })).rejects.toMatchObject({
      code: 'encryption_key_missing',
    })
  })

  test('a worker without the key leaves them to one that has it', async () => {
    await using stack = new AsyncDisposableStack()
    const { open } = await setUp(stack)
    const start = async (tasking: Tasking) => {
      const log = new EventLog()
      const taskingModule = new URL('../fixtures/light-tasking.ts', import.meta.url)
      const worker = stack.use(createWorker({ tasking, onEvent: log.note, taskingModule }))
      await worker.start()
      return log
    }
    const only = (own: Tasking, definition = tasks.inline): Tasking =>
      stack.use(
        createTasking({
          ...{ store: own.store, tasks: [definition] },
          ...(own.canRun(definition) && { encryption: { keys } }),
        }),
      )
    const without = await start(only(open([])))
    const tasking = open()
    const handle = await tasking.dispatch(tasks.inline, { password })
    expect((await tasking.explain(handle.id)).workers.serving).toBe(0)
    const having = await start(only(open()))
    await handle.result({ timeout: '20s' })
    await having.next('ended')
    expect(without.of('claimed')).toEqual([])
  })

  test('a key that this worker lacks fails the task, with a code that says so', async () => {
    await using stack = new AsyncDisposableStack()
    const { database, open } = await setUp(stack)
    const [other] = encryptionKeysFrom(newEncryptionKey('k2'))
    const rotated = open(other ? [other, ...keys] : keys)
    const behind = stack.use(
      createTasking({
        store: pgStore({ url: database.url, poolSize: 3 }),
        ...{ tasks: [tasks.inline], encryption: { keys } },
      }),
    )
    stack.use(await createWorker({ tasking: behind }).start())
    const task = await (await rotated.dispatch(tasks.inline, { password })).finished()
    expect(task).toMatchObject({ state: 'failed', error: { code: 'encryption_key_missing' } })
    expect(await rotated.openInput(task)).toEqual({ password })
  })
})
