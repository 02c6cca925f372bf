import type {
  BlockingLink,
  Explanation,
  Line,
  LineFilter,
  LinePlace,
  LineSummary,
  TaskInLine,
} from './explanation.ts'
import { taskOf } from './memory-task.ts'
import { blockersOf, reservationsOf } from './reservation.ts'
import type { Reservation } from './reservation.ts'
import { partOf } from './resource.ts'
import type { Task } from './task.ts'
import type { WorkerRecord } from './worker.ts'

type PlacedTask = Task & { readonly position: bigint }

const mostHolders = 10
const mostLinks = 100

/** What an in-memory store says of its lines, from all its incomplete tasks and its workers. */
export class MemoryLines {
  readonly #incomplete: readonly PlacedTask[]
  readonly #workers: readonly WorkerRecord[]

  constructor(incomplete: readonly PlacedTask[], workers: readonly WorkerRecord[]) {
    this.#incomplete = incomplete.toSorted((a, b) => (a.position < b.position ? -1 : 1))
    this.#workers = workers
  }

  explain(task: PlacedTask): Explanation {
    const inLine = this.#incomplete.includes(task)
    const serving = this.#workers.filter(
      ({ alive, queues, taskNames }) =>
        alive && queues.includes(task.queue) && taskNames.includes(task.name),
    )
    const freeSlots = serving.map(({ concurrency, runningTasks }) => concurrency - runningTasks)
    return {
      task: taskOf(task),
      places: inLine ? reservationsOf(task.resources).map((one) => this.#place(task, one)) : [],
      chain: inLine && task.unblockedAt === null ? this.#chain(task) : [],
      workers: {
        serving: serving.length,
        freeSlots: freeSlots.reduce((sum, free) => sum + Math.max(0, free), 0),
      },
    }
  }

  resources({ prefix = '', limit = 100 }: LineFilter): LineSummary[] {
    const names = new Set(
      this.#incomplete.flatMap(({ resources }) =>
        reservationsOf(resources).map(({ resource }) => resource),
      ),
    )
    return [...names]
      .filter((name) => name.startsWith(prefix))
      .map((name) => this.#summary(name))
      .toSorted((a, b) => b.length - a.length || (a.resource < b.resource ? -1 : 1))
      .slice(0, limit)
  }

  line(resource: string, limit: number): Line {
    const { oldest: _oldest, ...summary } = this.#summary(resource)
    const tasks = this.#at(resource).slice(0, limit)
    return { ...summary, tasks: tasks.map((task) => this.#inLine(task, resource)) }
  }

  #summary(resource: string): LineSummary {
    const tasks = this.#at(resource)
    const running = tasks.filter(isRunning)
    const counts = tasks.flatMap((task) => reservationAt(task, resource))
    const capacities = counts.filter(({ mode }) => mode === 'counted').map((one) => one.capacity)
    return {
      resource,
      length: tasks.length,
      running: running.length,
      waiting: tasks.length - running.length,
      used: running
        .flatMap((task) => reservationAt(task, resource))
        .reduce((sum, { amount }) => sum + amount, 0),
      capacity: capacities.length === 0 ? null : Math.max(...capacities),
      oldest: tasks[0]?.dispatchedAt ?? new Date(0),
    }
  }

  #place(task: PlacedTask, { resource, mode, amount, capacity }: Reservation): LinePlace {
    const line = this.#at(resource)
    const running = line.filter(isRunning)
    const blockers = this.#blockersAt(task, resource)
    const nearest = blockers.at(-1)
    return {
      resource,
      mode,
      amount,
      capacity: mode === 'counted' ? capacity : null,
      place: line.indexOf(task) + 1,
      blocked: blockers.length > 0,
      holding: running.length,
      holders: running.slice(0, mostHolders).map((one) => this.#inLine(one, resource)),
      before: nearest === undefined ? null : this.#inLine(nearest, resource),
    }
  }

  #chain(task: PlacedTask): BlockingLink[] {
    const links: BlockingLink[] = []
    let last = task
    while (links.length < mostLinks) {
      const [next] = reservationsOf(last.resources)
        .flatMap(({ resource }) => {
          const [first] = this.#blockersAt(last, resource)
          return first === undefined ? [] : [{ resource, first }]
        })
        .toSorted((a, b) => (a.first.position < b.first.position ? -1 : 1))
      if (next === undefined) break
      links.push({ resource: next.resource, task: this.#inLine(next.first, next.resource) })
      last = next.first
    }
    return links
  }

  #blockersAt({ position, resources }: PlacedTask, resource: string): PlacedTask[] {
    return blockersOf({ position, resources: partOf(resources, resource) }, this.#incomplete)
  }

  #at(resource: string): PlacedTask[] {
    return this.#incomplete.filter((task) => reservationAt(task, resource).length > 0)
  }

  #inLine(task: PlacedTask, resource: string): TaskInLine {
    const [own] = reservationAt(task, resource)
    const { id, name, state, unblockedAt, startedAt, dispatchedAt } = task
    const workerId = isRunning(task) ? task.workerId : null
    return {
      ...{ id, name, state, workerId, mode: own?.mode ?? 'shared', amount: own?.amount ?? 0 },
      unblocked: unblockedAt !== null,
      workerName: this.#workers.find((worker) => worker.id === workerId)?.name ?? null,
      since: startedAt ?? dispatchedAt,
    }
  }
}

function isRunning({ state }: Task): boolean {
  return state === 'running' || state === 'canceling'
}

function reservationAt({ resources }: Task, resource: string): Reservation[] {
  return reservationsOf(resources).filter((one) => one.resource === resource)
}
