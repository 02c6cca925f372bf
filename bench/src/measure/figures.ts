import { percentile } from '@tasking/workload'
import type { Sample } from './sample.ts'

/** What a table shows of a measurement; undefined where there is no such figure. */
export interface Figures {
  readonly tasksPerSecond: number
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  /** Seconds of a processor per 1,000 tasks. */
  readonly postgresCpu: number | undefined
  readonly nodeCpu: number
  readonly commitsPerTask: number
  readonly roundTripsPerTask: number
  readonly walBytesPerTask: number
  /** Of the machine, what something else used. */
  readonly othersShare: number | undefined
  readonly extra: Readonly<Record<string, number>>
}

export function figuresOf(sample: Sample): Figures {
  const { tasks, seconds, latenciesMs, postgresCpu, othersShare, extra } = sample
  const per1000 = (value: number) => (value / tasks) * 1_000
  const latency = (part: number) =>
    latenciesMs.length === 0 ? undefined : percentile(latenciesMs, part)
  return {
    tasksPerSecond: tasks / seconds,
    p50Ms: latency(0.5),
    p99Ms: latency(0.99),
    postgresCpu: postgresCpu === undefined ? undefined : per1000(postgresCpu),
    nodeCpu: per1000(sample.nodeCpu),
    commitsPerTask: sample.commits / tasks,
    roundTripsPerTask: sample.roundTrips / tasks,
    walBytesPerTask: sample.walBytes / tasks,
    othersShare,
    extra,
  }
}

/** Each figure's median over the rounds. */
export function medianFigures(all: readonly Figures[]): Figures {
  const of = (read: (figures: Figures) => number | undefined) =>
    median(all.map(read).filter((value) => value !== undefined))
  const extra = Object.keys(all[0]?.extra ?? {}).map((key) => [key, of((f) => f.extra[key]) ?? 0])
  return {
    tasksPerSecond: of((f) => f.tasksPerSecond) ?? 0,
    p50Ms: of((f) => f.p50Ms),
    p99Ms: of((f) => f.p99Ms),
    postgresCpu: of((f) => f.postgresCpu),
    nodeCpu: of((f) => f.nodeCpu) ?? 0,
    commitsPerTask: of((f) => f.commitsPerTask) ?? 0,
    roundTripsPerTask: of((f) => f.roundTripsPerTask) ?? 0,
    walBytesPerTask: of((f) => f.walBytesPerTask) ?? 0,
    othersShare: of((f) => f.othersShare),
    extra: Object.fromEntries(extra) as Record<string, number>,
  }
}

/** The middle value, or the mean of the two in the middle; undefined for none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)]
  const lower = sorted[Math.ceil(middle) - 1]
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2
}
