import type { ConformanceCase } from './index.ts'
import { HandWorker, load, only, same, taskOf } from './stand.ts'

export const taskOptionsCases: readonly ConformanceCase[] = [
  {
    name: 'options: what a dispatch says comes with the claim, and is shown',
    async run(store) {
      const task = taskOf(store, {}, { options: { timeoutMs: 1_500 } })
      await store.dispatch([task])
      same((await load(store, task.id)).options, { timeoutMs: 1_500 }, 'shown')
      const worker = await HandWorker.register(store)
      same(only(await worker.claim(1)).options, { timeoutMs: 1_500 }, 'claimed')
    },
  },
  {
    name: 'options: come again with what a lost answer had claimed',
    async run(store) {
      await store.dispatch([taskOf(store, {}, { options: { timeoutMs: 1_500 } })])
      const worker = await HandWorker.register(store)
      await worker.claim(1)
      const again = only((await worker.turn(1, [], [])).claimed)
      same(again.options, { timeoutMs: 1_500 }, 'claimed again')
    },
  },
  {
    name: 'options: are left out where a dispatch says nothing',
    async run(store) {
      const task = taskOf(store)
      await store.dispatch([task])
      const worker = await HandWorker.register(store)
      const claimed = only(await worker.claim(1))
      same('options' in claimed, false, 'in the claim')
      same('options' in (await load(store, task.id)), false, 'in the record')
    },
  },
]
