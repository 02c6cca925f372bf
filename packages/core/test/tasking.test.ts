import { describe, expect, test } from 'vitest'
import { z } from 'zod'

import { defineTask } from '../src/definition.ts'
import {
  DuplicateTaskError,
  InvalidInputError,
  NotJsonError,
  ResourcesBusyError,
} from '../src/errors.ts'
import { MemoryStore } from '../src/memory-store.ts'
import { batchEntry } from '../src/batch.ts'
import { createTasking } from '../src/client.ts'
import { Hands } from './hands.ts'

const sync = defineTask({
  name: 'sync',
  input: z.object({ repository: z.string() }),
  resources: ({ repository }) => ({ exclusive: [`repository:${repository}`] }),
  run: () => ({ synced: 1 }),
})
const idle = defineTask({ name: 'idle', run: () => undefined })

const memory = () => createTasking({ store: new MemoryStore(), tasks: [sync, idle] })

describe('createTasking', () => {
  test('knows its definitions by name', () => {
    const tasking = memory()
    expect([...tasking.definitions.keys()]).toEqual(['sync', 'idle'])
    expect(tasking.definition('sync')).toBe(sync)
  })

  test('says which names it knows when asked for another', () => {
    expect(() => memory().definition('synch')).toThrow(
      expect.objectContaining({ code: 'unknown_task', taskName: 'synch', known: ['sync', 'idle'] }),
    )
  })

  test('refuses two definitions of one name', () => {
    const twin = defineTask({ name: 'sync', run: () => 1 })
    const create = () => createTasking({ store: new MemoryStore(), tasks: [sync, twin] })
    expect(create).toThrow(DuplicateTaskError)
  })
})

describe('dispatch', () => {
  test('puts the task into the store before it resolves', async () => {
    const tasking = memory()
    const { id } = await tasking.dispatch(sync, { repository: '42' }, { priority: 3 })
    expect(await tasking.store.find([id])).toEqual([
      expect.objectContaining({
        name: 'sync',
        state: 'waiting',
        input: { repository: '42' },
        resources: { exclusive: ['repository:42'], shared: [] },
        priority: 3,
      }),
    ])
  })

  test('needs no input where the task takes none', async () => {
    const tasking = memory()
    const { id } = await tasking.dispatch(idle)
    expect(await tasking.find(id)).toMatchObject({ input: null })
  })

  test('writes nothing where the input is not valid', async () => {
    const tasking = memory()
    const wrong = { repository: 42 } as unknown as { repository: string }
    await expect(tasking.dispatch(sync, wrong)).rejects.toThrow(InvalidInputError)
    expect(await tasking.list()).toEqual([])
  })

  test('takes a definition that this process cannot run', async () => {
    const tasking = memory()
    const elsewhere = defineTask({ name: 'elsewhere', run: () => 1 })
    const { id } = await tasking.dispatch(elsewhere)
    expect(await tasking.find(id)).toMatchObject({ name: 'elsewhere', state: 'waiting' })
  })

  test('hands the transaction to the store', async () => {
    const store = new MemoryStore()
    const transactions: unknown[] = []
    const dispatch = store.dispatch.bind(store)
    store.dispatch = (tasks, target) => {
      transactions.push(target?.tx)
      return dispatch(tasks)
    }
    const tasking = createTasking<never>({ store })
    const tx = {} as never
    await tasking.dispatch(idle, undefined, { tx })
    await tasking.dispatchBatch([batchEntry(idle)], { tx })
    expect(transactions).toEqual([tx, tx])
  })
})

describe('dispatchBatch', () => {
  const entries = ['a', 'b', 'c'].map((repository) => batchEntry(sync, { repository }))

  test('gives handles, and places in line, in the order of its entries', async () => {
    const tasking = memory()
    const handles = await tasking.dispatchBatch(entries)
    const tasks = await Promise.all(handles.map((handle) => handle.load()))
    expect(tasks.map(({ input }) => input)).toEqual(entries.map(({ input }) => input))
    const newestFirst = await tasking.list()
    expect(newestFirst.map(({ id }) => id)).toEqual(handles.map(({ id }) => id).toReversed())
  })

  test('puts entries that conflict in line', async () => {
    const tasking = memory()
    const same = { repository: 'a' }
    const handles = await tasking.dispatchBatch([batchEntry(sync, same), batchEntry(sync, same)])
    const tasks = await Promise.all(handles.map((handle) => handle.load()))
    expect(tasks.map(({ unblockedAt }) => unblockedAt === null)).toEqual([false, true])
  })

  test('keeps the options of each entry', async () => {
    const tasking = memory()
    const [first, second] = await tasking.dispatchBatch([
      batchEntry(idle, undefined, { queue: 'slow' }),
      batchEntry(idle),
    ])
    expect(await first?.load()).toMatchObject({ queue: 'slow' })
    expect(await second?.load()).toMatchObject({ queue: 'default' })
  })

  test('writes nothing where one entry is not valid', async () => {
    const tasking = memory()
    const wrong = { definition: sync, input: { repository: 5 } }
    await expect(tasking.dispatchBatch([...entries, wrong])).rejects.toMatchObject({
      ...{ code: 'invalid_input', index: entries.length, cause: expect.any(InvalidInputError) },
    })
    const endless = { definition: idle, input: 1n }
    await expect(tasking.dispatchBatch([...entries, endless])).rejects.toMatchObject({
      ...{ code: 'not_json', index: entries.length, cause: expect.any(NotJsonError) },
    })
    expect(await tasking.list()).toEqual([])
  })

  test('does not trouble the store with an empty batch', async () => {
    const store = new MemoryStore()
    store.dispatch = () => Promise.reject(new Error('asked'))
    expect(await createTasking({ store }).dispatchBatch([])).toEqual([])
  })
})

describe('the outcome of a dispatch', () => {
  const there = { repository: 'a' }

  test('says whether something is before it in line', async () => {
    const tasking = memory()
    expect((await tasking.dispatch(sync, there)).outcome).toBe('free')
    expect((await tasking.dispatch(sync, there)).outcome).toBe('blocked')
  })

  test('may be a twin, whose handle it is then', async () => {
    const tasking = memory()
    const first = await tasking.dispatch(idle, undefined, { dedupe: 'k' })
    const second = await tasking.dispatch(idle, undefined, { dedupe: 'k' })
    expect([first.outcome, second.outcome, second.id]).toEqual(['free', 'twin', first.id])
    const hands = await Hands.register(tasking.store, 'idle')
    await hands.complete(await hands.claim(), 'of both')
    expect([await first.result(), await second.result()]).toEqual(['of both', 'of both'])
  })

  test('may be that the task is not to run, which its result says as well', async () => {
    const tasking = memory()
    await tasking.dispatch(sync, there)
    const skipped = await tasking.dispatch(sync, there, { ifBlocked: 'skip' })
    expect(skipped.outcome).toBe('skipped')
    expect(await skipped.finished()).toMatchObject({ state: 'skipped' })
    await expect(skipped.result()).rejects.toMatchObject({
      code: 'task_skipped',
      taskId: skipped.id,
      error: { code: 'resources_busy' },
      message: `Task ${skipped.id} was skipped: Resource "repository:a" is taken.`,
    })
  })

  test('may be an error, and then there is no task', async () => {
    const tasking = memory()
    await tasking.dispatch(sync, there)
    await expect(tasking.dispatch(sync, there, { ifBlocked: 'fail' })).rejects.toMatchObject({
      ...{ code: 'resources_busy', resource: 'repository:a', index: 0 },
      message: 'Resource "repository:a" is taken, and the task is not to wait for it.',
    })
    expect(await tasking.list()).toHaveLength(1)
  })

  test('is there for each entry of a batch', async () => {
    const tasking = memory()
    const handles = await tasking.dispatchBatch([
      batchEntry(sync, there, { dedupe: 'k' }),
      batchEntry(sync, there, { dedupe: 'k' }),
      batchEntry(sync, there, { ifBlocked: 'skip' }),
      batchEntry(sync, there),
    ])
    const outcomes = handles.map(({ outcome }) => outcome)
    expect(outcomes).toEqual(['free', 'twin', 'skipped', 'blocked'])
  })

  test('names the entry of a batch that is not to wait', async () => {
    const tasking = memory()
    const batch = tasking.dispatchBatch([
      batchEntry(sync, there),
      batchEntry(idle),
      batchEntry(sync, there, { ifBlocked: 'fail' }),
    ])
    await expect(batch).rejects.toMatchObject({
      ...{ code: 'resources_busy', index: 2, cause: expect.any(ResourcesBusyError) },
      message: expect.stringMatching(/^Entry 2 of the batch: Resource "repository:a" is taken/),
    })
    expect(await tasking.list()).toEqual([])
  })
})

test('an id in capitals is the same id', async () => {
  const tasking = memory()
  const { id } = await tasking.dispatch(idle)
  await tasking.cancel(id)
  expect(await tasking.task(id.toUpperCase()).finished()).toMatchObject({ id, state: 'canceled' })
})

test('a cancel reason that no store could keep is made storable', async () => {
  const tasking = memory()
  const handle = await tasking.dispatch(idle)
  expect((await handle.cancel('a\0b\ud83d')).cancelReason).toBe('a\ufffdb\ufffd')
})

describe('a tasking', () => {
  const unknown = '00000000-0000-7000-8000-000000000000'

  test('says that there is no such task', async () => {
    const tasking = memory()
    const error = { code: 'task_not_found', taskId: unknown }
    await expect(tasking.find(unknown)).rejects.toMatchObject(error)
    await expect(tasking.explain(unknown)).rejects.toMatchObject(error)
    await expect(tasking.cancel(unknown)).rejects.toMatchObject(error)
  })

  test('lists what the filter lets through', async () => {
    const tasking = memory()
    const { id } = await tasking.dispatch(sync, { repository: 'a' })
    await tasking.dispatch(idle)
    expect((await tasking.list({ resource: 'repository:a' })).map((task) => task.id)).toEqual([id])
    expect((await tasking.list({ name: 'sync' })).map((task) => task.id)).toEqual([id])
    expect(await tasking.list({ limit: 1 })).toHaveLength(1)
  })

  test('explains where a task stands, and shows the lines', async () => {
    const tasking = memory()
    const here = { repository: 'a' }
    const first = await tasking.dispatch(sync, here)
    const second = await tasking.dispatch(sync, here)
    await tasking.dispatch(sync, { repository: 'b' })
    const { chain, task } = await tasking.explain(second.id)
    expect([task.id, chain.map((link) => link.task.id)]).toEqual([second.id, [first.id]])
    expect(await tasking.resources({ limit: 1 })).toMatchObject([
      { resource: 'repository:a', length: 2 },
    ])
    expect(await tasking.line('repository:a', 1)).toMatchObject({
      ...{ length: 2, tasks: [{ id: first.id }] },
    })
  })

  test('cancels a waiting task at once, with the reason', async () => {
    const tasking = memory()
    const { id } = await tasking.dispatch(idle)
    const canceled = { state: 'canceled', cancelReason: 'superseded', startedAt: null }
    expect(await tasking.cancel(id, 'superseded')).toMatchObject(canceled)
    expect(await tasking.find(id)).toMatchObject(canceled)
  })

  test('says why a finished task cannot be canceled', async () => {
    const tasking = memory()
    const { id } = await tasking.dispatch(idle)
    const hands = await Hands.register(tasking.store, 'idle')
    await hands.complete(await hands.claim())
    await expect(tasking.cancel(id)).rejects.toMatchObject({
      code: 'task_state_conflict',
      taskId: id,
      state: 'completed',
      message: `Task ${id} can't be canceled: it is completed already.`,
    })
  })

  test('does not meet another one', async () => {
    const [one, other] = [memory(), memory()]
    const { id } = await one.dispatch(idle)
    await expect(other.find(id)).rejects.toMatchObject({ code: 'task_not_found' })
  })

  test('closes its store, also as a disposable', async () => {
    let closed = 0
    const store = new MemoryStore()
    store.close = async () => void (closed += 1)
    await createTasking({ store }).close()
    {
      await using _tasking = createTasking({ store })
    }
    expect(closed).toBe(2)
  })
})
