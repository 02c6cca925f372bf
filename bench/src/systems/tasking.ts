import { batchEntry, createTasking, defineTask } from '@tasking/core'
import { migrate, pgStore } from '@tasking/store-pg'
import { createWorker } from '@tasking/worker'
import type { PlainTask, System, Work } from './system.ts'

export const taskingSystem: System = {
  async install(url) {
    await migrate({ url })
  },
  async openDispatcher(url, poolSize) {
    const task = plainTask(async () => undefined)
    const tasking = createTasking({ store: pgStore({ url, poolSize, listen: false }) })
    await tasking.store.check()
    return {
      dispatch: (one) => tasking.dispatch(task, one),
      dispatchMany: (many) => tasking.dispatchBatch(many.map((one) => batchEntry(task, one))),
      [Symbol.asyncDispose]: () => tasking.close(),
    }
  },
  async openWorker({ url, slots, listen }, work) {
    const store = pgStore({ url, ...(!listen && { listen: false }) })
    const tasking = createTasking({ store, tasks: [plainTask(work.run)] })
    await store.check()
    const worker = createWorker({
      ...{ tasking, concurrency: slots },
      onEvent: ({ kind }) => kind === 'finished' && work.finished(1),
    })
    return async () => void (await worker.start())
  },
}

function plainTask(run: Work['run']) {
  return defineTask({
    name: 'bench.plain',
    resources: ({ resources }: PlainTask) => ({ exclusive: resources }),
    run: async (task) => {
      await run(task)
      return null
    },
  })
}
