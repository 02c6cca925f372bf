import { satisfies } from '../version.ts'
import type { ConformanceCase } from './index.ts'
import { HandWorker, idsOf, same, taskOf } from './stand.ts'

const pairs: readonly (readonly [version: string, least: string])[] = [
  ...([
    ['1.2', '1.2.0'],
    ['1.10', '1.9.9'],
    ['2', '1.9'],
    ['1.2.0', '1.2.0-rc.1'],
  ] as const),
  ...([
    ['1.9.9', '1.10'],
    ['1', '1.0.0.1'],
    ['1.2.0-rc.1', '1.2'],
    ['1.2+b', '1.2'],
  ] as const),
]

export const versionCases: readonly ConformanceCase[] = [
  {
    name: 'versions: a worker without what is required leaves a task alone, others take it',
    async run(store) {
      const bare = await HandWorker.register(store)
      const old = await HandWorker.register(store, { versions: { codec: '2.0', core: '9' } })
      const options = { requires: { core: '1', codec: '2.1' } }
      const [picky, plain] = [taskOf(store, {}, { options, priority: 5 }), taskOf(store)]
      await store.dispatch([picky, plain])
      same(idsOf(await bare.claim(5)), [plain.id], 'not in the way of others')
      same(await old.claim(5), [], 'too old')
      const fit = await HandWorker.register(store, { versions: { codec: '2.1', core: '1.0' } })
      same(idsOf(await fit.claim(5)), [picky.id], 'registered later')
      const again = taskOf(store, {}, { options: { requires: { core: '1.0' } } })
      await store.dispatch([again])
      same(await bare.claim(5), [], 'another requirement')
      same(idsOf(await old.claim(5)), [again.id], 'registered before it was required')
      await store.beat(fit.id)
      await store.dispatch([taskOf(store, {}, { options })])
      same((await fit.claim(5)).length, 1, 'after a heartbeat')
    },
  },
  {
    name: 'versions: by priority and place among tasks with and without requirements',
    async run(store) {
      const worker = await HandWorker.register(store, { versions: { codec: '3' } })
      const options = { requires: { codec: '2' } }
      const tasks = [taskOf(store), taskOf(store, {}, { options }), taskOf(store)]
      await store.dispatch([...tasks, taskOf(store, {}, { options, priority: 1 })])
      const order = idsOf([...(await worker.claim(1)), ...(await worker.claim(3))])
      same(order.slice(1), idsOf(tasks), 'after the urgent one')
    },
  },
  {
    name: 'versions: are compared number by number',
    async run(store) {
      for (const [version, least] of pairs) {
        const worker = await HandWorker.register(store, { versions: { codec: version } })
        const task = taskOf(store, {}, { options: { requires: { codec: least } } })
        await store.dispatch([task])
        const claimed = (await worker.claim(1)).length === 1
        same(claimed, satisfies({ codec: version }, { codec: least }), `${version}, ${least}`)
        if (!claimed) await store.cancel(task.id)
        await store.unregisterWorker(worker.id)
      }
    },
  },
]
