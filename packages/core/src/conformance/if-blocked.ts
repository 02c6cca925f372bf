import type { ResourceRequest } from '../resource.ts'
import type { Store } from '../store.ts'
import type { NewTask } from '../task.ts'
import type { ConformanceCase } from './index.ts'
import {
  completed,
  errorOf,
  HandWorker,
  idsOf,
  keyed,
  load,
  rejects,
  same,
  taskOf,
} from './stand.ts'

interface Busy {
  /** What is in line at `r`. */
  readonly line: readonly ResourceRequest[]
  /** What is not to wait for it. */
  readonly request: ResourceRequest
}

const units = (amount: number) => ({ counted: [{ resource: 'r', amount, capacity: 4 }] })

const busy: Readonly<Record<string, Busy>> = {
  'exclusive behind exclusive': {
    line: [{ exclusive: ['r'] }],
    request: { exclusive: ['r'] },
  },
  'exclusive behind shared': { line: [{ shared: ['r'] }], request: { exclusive: ['r'] } },
  'exclusive behind counted': { line: [units(1)], request: { exclusive: ['r'] } },
  'shared behind exclusive': { line: [{ exclusive: ['r'] }], request: { shared: ['r'] } },
  'shared behind an exclusive one that waits': {
    line: [{ shared: ['r'] }, { exclusive: ['r'] }],
    request: { shared: ['r'] },
  },
  'counted behind exclusive': { line: [{ exclusive: ['r'] }], request: units(1) },
  'counted behind what leaves too little': { line: [units(2), units(1)], request: units(2) },
  'counted behind a larger one that waits': { line: [units(3), units(2)], request: units(1) },
  'at one of several resources': {
    line: [{ exclusive: ['r'] }, { shared: ['a'] }],
    request: { exclusive: ['z'], shared: ['a', 'r'] },
  },
}

export const ifBlockedCases: readonly ConformanceCase[] = [
  {
    name: 'ifBlocked: what is free is dispatched like any other',
    async run(store) {
      const batch = [
        taskOf(store, {}, { ifBlocked: 'skip' }),
        taskOf(store, {}, { ifBlocked: 'fail' }),
        taskOf(store, { exclusive: ['a'], shared: ['b'] }, { ifBlocked: 'skip' }),
        taskOf(store, { shared: ['b'] }, { ifBlocked: 'fail' }),
        taskOf(store, { counted: [{ resource: 'b', capacity: 2 }] }, { ifBlocked: 'skip' }),
        taskOf(store, { counted: [{ resource: 'b', capacity: 2 }] }, { ifBlocked: 'fail' }),
        taskOf(store, { exclusive: ['b'] }, { ifBlocked: 'wait' }),
      ]
      const answer = batch.map(({ id, ifBlocked }) => ({
        ...{ id, state: 'waiting', blocked: ifBlocked === 'wait' },
      }))
      same(await store.dispatch(batch), answer, 'answer')
    },
  },
  ...Object.entries(busy).map(([name, { line, request }]): ConformanceCase => ({
    name: `ifBlocked: ${name}`,
    async run(store) {
      await store.dispatch(line.map((one) => taskOf(store, one)))
      const count = (await store.list()).length
      const [skipped, refused] = [
        taskOf(store, request, { ifBlocked: 'skip' }),
        taskOf(store, request, { ifBlocked: 'fail' }),
      ]
      const answer = [{ id: skipped.id, state: 'skipped', blocked: true }]
      same(await store.dispatch([skipped]), answer, 'skipped')
      const { state, error, finishedAt, unblockedAt } = await load(store, skipped.id)
      const why = {
        ...{ name: 'TaskSkippedError', code: 'resources_busy' },
        message: 'Resource "r" is taken.',
      }
      same([state, error, unblockedAt], ['skipped', why, null], 'record')
      same(finishedAt instanceof Date, true, 'finished')
      same(await busyError(store, [refused]), ['resources_busy', 'r', 0], 'error')
      same((await store.list()).length, count + 1, 'nothing else was added')
    },
  })),
  {
    name: 'ifBlocked: of several that are taken, the first by name is told',
    async run(store) {
      await store.dispatch(['c', 'a', 'b'].map((name) => taskOf(store, { exclusive: [name] })))
      const task = taskOf(store, { exclusive: ['c', '0'], shared: ['b'] }, { ifBlocked: 'fail' })
      same(await busyError(store, [task]), ['resources_busy', 'b', 0], 'error')
    },
  },
  {
    name: 'ifBlocked: a batch fails as a whole, and takes back what it has replaced',
    async run(store) {
      const twin = keyed(store, 'return')
      await store.dispatch([twin, taskOf(store, { exclusive: ['taken'] })])
      const before = await store.list()
      const batch = [
        taskOf(store, { exclusive: ['free'] }),
        keyed(store, 'replace'),
        taskOf(store, { exclusive: ['taken'] }, { ifBlocked: 'skip' }),
        taskOf(store, { exclusive: ['free'] }, { ifBlocked: 'fail' }),
      ]
      same(await busyError(store, batch), ['resources_busy', 'free', 3], 'error')
      same(await store.list(), before, 'nothing has changed')
      same((await store.resources()).length, 2, 'lines')
      const again = keyed(store, 'return')
      same(idsOf(await store.dispatch([again])), [twin.id], 'the twin is there')
    },
  },
  {
    name: "ifBlocked: the batch's own tasks count, but for those that were skipped",
    async run(store) {
      const skippable = (request: ResourceRequest) => taskOf(store, request, { ifBlocked: 'skip' })
      await store.dispatch([taskOf(store, { shared: ['r'] })])
      const answer = await store.dispatch([
        skippable({ exclusive: ['r'] }),
        skippable({ shared: ['r'] }),
        taskOf(store, { exclusive: ['r'] }),
        skippable({ shared: ['r'] }),
      ])
      same(
        answer.map(({ state, blocked }) => [state, blocked]),
        [
          ['skipped', true],
          ['waiting', false],
          ['waiting', true],
          ['skipped', true],
        ],
        'answer',
      )
    },
  },
  {
    name: 'ifBlocked: a task with a twin is judged by its twin first',
    async run(store) {
      await store.dispatch([keyed(store, 'return')])
      const [skipped, returned] = [
        keyed(store, 'skip', { exclusive: ['r'] }, { ifBlocked: 'fail' }),
        keyed(store, 'return', { exclusive: ['r'] }, { ifBlocked: 'fail' }),
      ]
      await store.dispatch([skipped, returned])
      same((await load(store, skipped.id)).error?.code, 'twin_incomplete', 'why')
    },
  },
  {
    name: 'ifBlocked: a task that takes the place of its twin finds it gone',
    async run(store) {
      await store.dispatch([keyed(store, 'return')])
      const task = keyed(store, 'replace', { exclusive: ['r'] }, { ifBlocked: 'fail' })
      same(
        await store.dispatch([task]),
        [{ id: task.id, state: 'waiting', blocked: false }],
        'answer',
      )
    },
  },
  {
    name: 'skipped: is never claimed, holds no place, and stays as it is',
    async run(store) {
      const task = taskOf(store, { exclusive: ['r'] }, { ifBlocked: 'skip' })
      const first = taskOf(store, { exclusive: ['r'] }, { input: 'first' })
      await store.dispatch([first, task])
      const before = await load(store, task.id)
      const worker = await HandWorker.register(store)
      const [running, ...others] = await worker.claim(10)
      if (running === undefined) throw new Error('one task')
      same(others, [], 'claimed beside it')
      same((await worker.turn(10, [completed(running)])).claimed, [], 'nothing after it')
      await rejects(store.cancel(task.id), 'task_state_conflict')
      same((await worker.turn(0, [completed({ ...running, id: task.id })])).refused, [task.id], '')
      same(await load(store, task.id), before, 'record')
      same((await store.dispatch([taskOf(store, { exclusive: ['r'] })]))[0]?.blocked, false, 'line')
    },
  },
]

/** What the store says of a batch that can't be dispatched. */
async function busyError(store: Store, batch: readonly NewTask[]): Promise<unknown[]> {
  const { code, resource, index } = await errorOf(store.dispatch(batch))
  return [code, resource, index]
}
