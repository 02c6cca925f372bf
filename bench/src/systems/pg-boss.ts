import { setTimeout as sleep } from 'node:timers/promises'
import { PgBoss } from 'pg-boss'
import type { CrewSetup, PlainTask, System, Work } from './system.ts'

const queue = 'bench'
const batchSize = 1_000
// So that one batch can be fetched while another one is completed.
const batchedLoops = 2
// The least that work() allows; a loop of its own may ask sooner.
const pollingIntervalSeconds = 0.5
const pauseMs = 5

/** Fetches without metadata and inserts in bulk, as its docs on jobs and workers recommend. */
export const pgBoss: System = {
  async install(url, { keyed = false, listen = false }) {
    const boss = await open({ connectionString: url, max: 2 })
    await boss.createQueue(queue, {
      policy: keyed ? 'key_strict_fifo' : 'standard',
      ...(listen && { notify: true }),
    })
    await close(boss)
  },
  async openDispatcher(url, max) {
    const boss = await open({ connectionString: url, max, migrate: false, supervise: false })
    return {
      dispatch: (task) => boss.send(queue, task, keyOf(task)),
      dispatchMany: (tasks) =>
        boss.insert(
          queue,
          tasks.map((task) => ({ data: task, ...keyOf(task) })),
        ),
      [Symbol.asyncDispose]: () => close(boss),
    }
  },
  async openWorker(setup, work) {
    const boss = await open({
      ...{ connectionString: setup.url, migrate: false },
      ...{ max: Math.max(10, setup.batched ? 0 : setup.slots + 1) },
      ...(setup.listen && { useListenNotify: true }),
    })
    return setup.load === 'backlog' ? drain(boss, setup, work) : wait(boss, setup, work)
  },
}

// work() pauses between fetches that come back short; nothing here has to.
function drain(boss: PgBoss, { batched, slots }: CrewSetup, work: Work) {
  const size = batched ? batchSize : 1
  const loop = async () => {
    for (;;) {
      const jobs = await boss.fetch<PlainTask>(queue, { batchSize: size })
      if (jobs.length === 0) {
        await sleep(pauseMs)
        continue
      }
      await Promise.all(jobs.map(({ data }) => work.run(data)))
      await boss.complete(
        queue,
        jobs.map(({ id }) => id),
      )
      work.finished(jobs.length)
    }
  }
  return async () => {
    const loops = Array.from({ length: batched ? batchedLoops : slots }, loop)
    // They end with the process; should one fail, so does that.
    void Promise.all(loops)
  }
}

function wait(boss: PgBoss, { slots }: CrewSetup, work: Work) {
  return async () => {
    const options = { batchSize: 1, localConcurrency: slots, pollingIntervalSeconds }
    await boss.work<PlainTask>(queue, options, async (jobs) => {
      await Promise.all(jobs.map(({ data }) => work.run(data)))
      // It is completed when this has returned; nothing tells of that.
      work.finished(jobs.length)
    })
  }
}

async function open(options: ConstructorParameters<typeof PgBoss>[0] & object): Promise<PgBoss> {
  const boss = new PgBoss(options)
  // Its errors are those of its background work, which end with the database.
  boss.on('error', () => undefined)
  await boss.start()
  return boss
}

async function close(boss: PgBoss): Promise<void> {
  await boss.stop({ graceful: false, close: true })
}

function keyOf({ resources: [singletonKey] }: PlainTask): { singletonKey?: string } {
  return singletonKey === undefined ? {} : { singletonKey }
}
