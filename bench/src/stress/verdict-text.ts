import type { Faults } from './judge.ts'
import { isSound } from './judge.ts'
import type { StressResult } from './stress.ts'

const mostShown = 5

const names: { readonly [Kind in keyof Faults]: string } = {
  overlaps: 'overlaps',
  overdrafts: 'resources of which more was in use than there is',
  orderViolations: 'order violations',
  stuck: 'stuck tasks',
  lost: 'lost tasks',
  repeated: 'tasks that ran twice',
  ghosts: 'tasks that were rolled back and are there',
  failed: 'tasks that failed without a cause',
}

/** The verdict as a person reads it. */
export function stressText(result: StressResult): string {
  const { verdict, planned, cancels, killed, retired, gaveUp, sessions, crashes } = result
  const { stored, completed, canceled, diedWithWorker, faults } = verdict
  return [
    isSound(verdict) ? 'Nothing went wrong.' : 'FAILED',
    '',
    `  ${planned} tasks planned, ${stored} stored: ${completed} completed, ${canceled} canceled, ${diedWithWorker} died with their worker`,
    `  ${killed} workers killed, ${retired} retired, ${gaveUp} gave up; ${sessions} sessions ended; ${cancels} cancels`,
    ...(crashes.length > 0 ? [`  ${crashes.length} processes crashed: ${crashes.join(', ')}`] : []),
    '',
    ...Object.entries(names).flatMap(([kind, name]) => {
      const found: readonly unknown[] = faults[kind as keyof Faults]
      const shown = found.slice(0, mostShown).map((fault) => `      ${asText(fault)}`)
      return [`  ${String(found.length).padStart(6)}  ${name}`, ...shown]
    }),
  ].join('\n')
}

function asText(fault: unknown): string {
  return typeof fault === 'string' ? fault : JSON.stringify(fault)
}
