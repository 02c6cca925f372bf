import type { LocalPostgres } from '@tasking/local-postgres'
import type { Figures } from './measure/figures.ts'
import type { Sample } from './measure/sample.ts'

/** Something that the project claims, and how to see whether it is so. */
export interface Scenario {
  /** What it is called on the command line. */
  readonly name: string
  readonly description: string
  /** Measured in turns, A B A B; the first one is what the others are compared with. */
  readonly sides: readonly SideDefinition[]
  readonly goals: readonly Goal[]
  /** What is plotted; default what the goals are about. */
  readonly plotted?: readonly Plotted[]
  /** Default 5. */
  readonly rounds?: number
}

export interface SideDefinition {
  readonly name: string
  /** It is left out where Redis isn't installed. */
  readonly needsRedis?: boolean
  /** Makes ready whatever the rounds have in common, such as five million old tasks. */
  open(stage: Stage): Promise<Side>
}

export interface Side extends AsyncDisposable {
  measure(): Promise<Sample>
}

/** A figure by a name. */
export interface Plotted {
  /** What it is, in words: "time", "throughput". */
  readonly what: string
  readonly figure: (figures: Figures) => number | undefined
}

/** A bound for a figure of one side, or for its ratio to the same figure of another. */
export interface Goal extends Plotted {
  readonly side: string
  /** The side to compare with; without it, the figure itself is what counts. */
  readonly against?: string
  readonly bound: { readonly atMost: number } | { readonly atLeast: number }
}

/** What a scenario is given to work with. */
export interface Stage {
  readonly server: LocalPostgres
  /** Where Redis is, for a peer that needs it. */
  readonly redisUrl?: string | undefined
  /** How long scenarios last that are about time. */
  readonly minutes: number
  /** The full size of something, or less of it in a quick run. */
  scaled(full: number, least: number): number
  /** Tells whoever watches what is going on. */
  note(text: string): void
}
