import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Counts } from './counts.ts'
import type { GuardCounts } from './guarded-work.ts'

const file = fileURLToPath(new URL('../../guard.json', import.meta.url))
// Where a page of the log ends, and such, differs a little from run to run.
const tolerance = 0.02

/** A count that has grown. */
export interface Growth {
  readonly what: string
  readonly figure: string
  readonly before: number
  readonly now: number
}

export function readBaseline(): GuardCounts {
  return JSON.parse(readFileSync(file, 'utf8')) as GuardCounts
}

/** @returns the file */
export function writeBaseline(counts: GuardCounts): string {
  writeFileSync(file, `${JSON.stringify(counts, null, 2)}\n`)
  return file
}

/** What costs more than it did; what is not in the baseline counts as new, and so as grown. */
export function growths(counts: GuardCounts, baseline: GuardCounts): Growth[] {
  return Object.entries(counts).flatMap(([what, figures]) =>
    Object.entries(figures).flatMap(([figure, now]: [string, number]) => {
      const before = baseline[what]?.[figure as keyof Counts] ?? 0
      return now > before * (1 + tolerance) ? [{ what, figure, before, now }] : []
    }),
  )
}
