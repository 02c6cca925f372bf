import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTasking, milliseconds } from '@tasking/core'
import type { Duration, Task, Tasking } from '@tasking/core'
import { migrate, pgStore } from '@tasking/store-pg'
import { idealSchedule, judge, makeWorkload, percentile, readRecordings } from '@tasking/workload'
import type { IdealSchedule, Verdict, WorkItem, WorkloadOptions } from '@tasking/workload'
import { CommandError } from '../command-error.ts'
import type { LiveView } from './live-view.ts'
import { isOver, progressOf } from './progress.ts'
import { demoTask } from './tasks.ts'
import { startWorkerProcess } from './worker-processes.ts'
import type { WorkerProcess } from './worker-processes.ts'

const lookPeriodMs = 200
const workersStartLimitMs = 60_000
const stopLimitMs = 5_000

export interface DemoOptions extends WorkloadOptions {
  readonly databaseUrl: string
  readonly schema: string
  readonly workers: number
  readonly concurrency: number
  readonly ttl: Duration
  /** SIGKILL one worker so long after the first dispatch. */
  readonly killAfter?: Duration
}

export interface DemoResult {
  readonly total: number
  readonly slots: number
  readonly verdict: Verdict
  readonly ideal: IdealSchedule
  readonly dispatch: { readonly meanMs: number; readonly p99Ms: number }
  /** The worker processes that died on the way, and how. */
  readonly deaths: readonly string[]
  /** Tasks that failed although no worker died that could have taken them along. */
  readonly unexplained: number
}

/** Runs the workload on real worker processes and judges it by what its handlers noted. */
export async function runDemo(
  options: DemoOptions,
  view: LiveView,
  interrupted: AbortSignal,
): Promise<DemoResult> {
  const { databaseUrl, schema, workers, concurrency, killAfter } = options
  await migrate({ url: databaseUrl, schema })
  await using tasking = createTasking({ store: pgStore({ url: databaseUrl, schema }) })
  const recordings = mkdtempSync(join(tmpdir(), 'tasking-demo-'))
  // A queue of its own, so that workers of a real system on this database leave the demo alone.
  const queue = `demo-${crypto.randomUUID()}`
  const processes: WorkerProcess[] = []
  const ended = new AbortController()
  try {
    const ttl = `${milliseconds(options.ttl, 'ttl')}ms`
    for (let n = 1; n <= workers; n += 1) {
      const settings = { databaseUrl, schema, queue, concurrency, ttl }
      processes.push(startWorkerProcess(`demo-worker-${n}`, settings))
    }
    await untilRegistered(tasking, processes, queue, interrupted)
    view.note(`${workers} workers with ${concurrency} slots each are ready.`)

    const items = makeWorkload(options)
    const beganNs = process.hrtime.bigint()
    if (killAfter !== undefined) {
      void killOne(processes, milliseconds(killAfter, 'killAfter'), view, ended.signal)
    }
    const tasks: (Task | undefined)[] = items.map(() => undefined)
    const ids: string[] = []
    const stop = AbortSignal.any([interrupted, ended.signal])
    const patienceMs = 4 * milliseconds(options.ttl) + 2 * options.durationMs + 10_000
    const [times] = await Promise.all([
      dispatchAll(tasking, items, queue, recordings, ids, stop),
      watch({ tasking, ids, tasks, processes, view, patienceMs }, stop),
    ])
    if (interrupted.aborted) throw new CommandError('interrupted', 'The demo was interrupted.')

    const outcomes = ids.map((_id, index) => outcomeOf(index, tasks[index]))
    const dead = processes.filter(({ death }) => death !== undefined)
    const verdict = judge({
      items,
      runs: readRecordings(recordings),
      outcomes,
      deaths: new Map(dead.map(({ pid, death }) => [pid, death?.atNs ?? beganNs])),
      beganNs,
      slotsPerProcess: concurrency,
    })
    return {
      total: items.length,
      slots: workers * concurrency,
      verdict,
      unexplained: Math.max(0, verdict.failed.length - dead.length * concurrency),
      ideal: idealSchedule(items, workers * concurrency),
      dispatch: {
        meanMs: times.reduce((sum, time) => sum + time, 0) / Math.max(1, times.length),
        p99Ms: percentile(times, 0.99),
      },
      deaths: dead.map(({ name, pid, death }) => `${name} (process ${pid}) died: ${death?.how}`),
    }
  } finally {
    ended.abort()
    await stopAll(processes)
    rmSync(recordings, { recursive: true, force: true })
  }
}

async function untilRegistered(
  tasking: Tasking,
  processes: readonly WorkerProcess[],
  queue: string,
  interrupted: AbortSignal,
): Promise<void> {
  const limit = Date.now() + workersStartLimitMs
  while (!interrupted.aborted) {
    const registered = (await tasking.store.workers()).filter((w) => w.queues.includes(queue))
    if (registered.length >= processes.length) return
    const dead = processes.find(({ death }) => death !== undefined)
    if (dead !== undefined || Date.now() > limit) {
      const worker = dead ?? processes[0]
      const how = worker?.death?.how ?? 'not registered in time'
      throw new Error(`${worker?.name} didn't start (${how}):\n${worker?.log.join('\n')}`)
    }
    await sleep(50)
  }
}

async function dispatchAll(
  tasking: Tasking,
  items: readonly WorkItem[],
  queue: string,
  recordings: string,
  ids: string[],
  interrupted: AbortSignal,
): Promise<number[]> {
  const times: number[] = []
  for (const { index, durationMs, resources } of items) {
    if (interrupted.aborted) break
    const startedAt = performance.now()
    const input = { index, durationMs, resources, recordings }
    const { id } = await tasking.dispatch(demoTask, input, { queue })
    times.push(performance.now() - startedAt)
    ids.push(id)
  }
  return times
}

interface Watch {
  readonly tasking: Tasking
  readonly ids: readonly string[]
  readonly tasks: (Task | undefined)[]
  readonly processes: readonly WorkerProcess[]
  readonly view: LiveView
  /** Without any change for so long, whatever is left counts as lost. */
  readonly patienceMs: number
}

/** Keeps `tasks` up to date until all are in a final state, or nothing is left to wait for. */
async function watch(
  { tasking, ids, tasks, processes, view, patienceMs }: Watch,
  stop: AbortSignal,
): Promise<void> {
  const startedAt = performance.now()
  let changedAt = startedAt
  let before = ''
  while (!stop.aborted) {
    const open = ids.flatMap((id, index) =>
      tasks[index]?.finishedAt == null ? [{ id, index }] : [],
    )
    const found = await tasking.store.find(open.map(({ id }) => id))
    const byId = new Map(found.map((task) => [task.id, task]))
    for (const { id, index } of open) tasks[index] = byId.get(id)
    const known = tasks.filter((task) => task !== undefined)
    const progress = progressOf(known, tasks.length, performance.now() - startedAt)
    view.show(progress)
    if (isOver(progress)) break
    const { elapsedMs: _time, ...counts } = progress
    if (before !== JSON.stringify(counts)) changedAt = performance.now()
    before = JSON.stringify(counts)
    if (performance.now() - changedAt > patienceMs) {
      view.note('Nothing has changed for too long.')
      break
    }
    if (processes.every(({ death }) => death !== undefined)) {
      view.note('No worker process is left.')
      break
    }
    await sleep(lookPeriodMs)
  }
  view.end()
}

// They finish what they run, unless that takes too long for somebody who waits at a terminal.
async function stopAll(processes: readonly WorkerProcess[]): Promise<void> {
  const exited = Promise.all(processes.map((worker) => worker.exited))
  for (const worker of processes) worker.kill('SIGTERM')
  const done = new AbortController()
  const patience = sleep(stopLimitMs, undefined, { signal: done.signal }).catch(() => undefined)
  await Promise.race([exited, patience])
  done.abort()
  for (const worker of processes) if (worker.death === undefined) worker.kill('SIGKILL')
  await exited
}

async function killOne(
  processes: readonly WorkerProcess[],
  afterMs: number,
  view: LiveView,
  signal: AbortSignal,
): Promise<void> {
  await sleep(afterMs, undefined, { signal }).catch(() => undefined)
  const [victim] = processes
  if (signal.aborted || victim === undefined) return
  victim.kill('SIGKILL')
  view.note(`SIGKILL for ${victim.name} (process ${victim.pid}).`)
}

function outcomeOf(index: number, task: Task | undefined) {
  return {
    index,
    state: task?.state ?? ('waiting' as const),
    unblockedMs: task?.unblockedAt?.getTime() ?? null,
    reason: task?.error?.message ?? task?.cancelReason ?? null,
  }
}
