/** A value over time, for a plot: seconds since the start, and what it was then. */
export interface Series {
  readonly name: string
  readonly points: readonly (readonly [seconds: number, value: number])[]
}

/** What a measured piece of work says of itself. */
export interface Work {
  readonly tasks: number
  /** One per operation, where the scenario is about how long something takes. */
  readonly latenciesMs?: readonly number[]
  /** Further figures of the scenario's own. */
  readonly extra?: Readonly<Record<string, number>>
  readonly series?: readonly Series[]
}

/** One measurement of one side. Processor time is undefined where the system doesn't tell it. */
export interface Sample {
  readonly tasks: number
  readonly seconds: number
  readonly latenciesMs: readonly number[]
  readonly postgresCpu: number | undefined
  readonly nodeCpu: number
  readonly commits: number
  readonly roundTrips: number
  readonly walBytes: number
  readonly othersShare: number | undefined
  readonly extra: Readonly<Record<string, number>>
  readonly series: readonly Series[]
}
