import type { Judgement } from '../measure/judgement.ts'
import type { ScenarioResult, SideResult } from '../run-scenario.ts'
import { table } from './table.ts'

// From so much on, what else ran on the machine may have changed the figures.
const busyShare = 0.1
const missing = 'n/a'

const titles = [
  'side',
  'tasks/s',
  'p50 ms',
  'p99 ms',
  'pg CPU s/1k',
  'node CPU s/1k',
  'commits/task',
  'trips/task',
  'WAL B/task',
  'others',
]

/** What was measured, as a person reads it. */
export function scenarioText({ scenario, sides, judgements, rounds }: ScenarioResult): string {
  const busy = sides.filter(({ median }) => (median.othersShare ?? 0) > busyShare)
  return [
    `${scenario.name}: ${scenario.description}`,
    '',
    table([titles, ...sides.map(cells)]),
    ...sides.flatMap(extraLines),
    '',
    ...judgements.map(goalLine),
    ...(busy.length > 0
      ? [`  The machine had other work to do (see "others"); the figures are worth less.`]
      : []),
    `  Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}.`,
  ].join('\n')
}

/** A goal and what became of it, on one line. */
export function goalLine({ goal, value, lowest, highest, met }: Judgement): string {
  const { side, against, what, bound } = goal
  const limit = 'atMost' in bound ? `at most ${bound.atMost}` : `at least ${bound.atLeast}`
  const unit = against === undefined ? '' : 'x'
  const seen = value === undefined ? missing : `${value.toFixed(2)}${unit}`
  const range =
    lowest === undefined || highest === undefined || lowest === highest
      ? ''
      : ` (${lowest.toFixed(2)} to ${highest.toFixed(2)})`
  const verdict = met === undefined ? 'unknown' : met ? 'met' : 'MISSED'
  const than = against === undefined ? '' : ` against "${against}"`
  return `  ${verdict.padEnd(7)} ${what}, "${side}"${than}: ${seen}${range}, goal ${limit}${unit}`
}

function cells({ name, median }: SideResult): string[] {
  const fixed = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? ''
  return [
    name,
    fixed(median.tasksPerSecond, 0),
    fixed(median.p50Ms, 2),
    fixed(median.p99Ms, 2),
    median.postgresCpu?.toFixed(2) ?? missing,
    fixed(median.nodeCpu, 2),
    fixed(median.commitsPerTask, 2),
    fixed(median.roundTripsPerTask, 2),
    fixed(median.walBytesPerTask, 0),
    median.othersShare === undefined ? missing : `${(median.othersShare * 100).toFixed(0)} %`,
  ]
}

function extraLines({ name, median }: SideResult): string[] {
  const entries = Object.entries(median.extra).map(([key, value]) => `${key} ${rounded(value)}`)
  return entries.length === 0 ? [] : [`  ${name}: ${entries.join(', ')}`]
}

function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2)
}
