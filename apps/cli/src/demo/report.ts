import { bold, dim, green, red } from 'yoctocolors'
import type { Outcome } from '@tasking/workload'
import type { DemoResult } from './run-demo.ts'

const mostShown = 5

/** The verdict as a person reads it. */
export function reportText(result: DemoResult): string {
  const { verdict, ideal, dispatch, total } = result
  const { completed, overlaps, lost, failed, makespanMs, pickUp } = verdict
  const good = (ok: boolean, text: string) => (ok ? green(text) : red(text))
  const over = (makespanMs / ideal.makespanMs - 1) * 100
  const rows: [string, string][] = [
    ['tasks completed', good(completed === total, `${completed} of ${total}`)],
    ['conflicting tasks that overlapped', good(overlaps.length === 0, `${overlaps.length}`)],
    ['tasks lost', good(lost.length === 0, `${lost.length}`)],
    ['tasks failed', good(failed.length === 0, `${failed.length}`)],
    [
      'makespan',
      `${ms(makespanMs)}, ideal list schedule ${ms(ideal.makespanMs)} ${dim(`(${over >= 0 ? '+' : ''}${over.toFixed(1)} %)`)}`,
    ],
    [
      'dispatch',
      `${dispatch.meanMs.toFixed(2)} ms each ${dim(`(99th ${dispatch.p99Ms.toFixed(2)} ms)`)}`,
    ],
    [
      'pick-up delay',
      `${pickUp.medianMs.toFixed(1)} ms median ${dim(`(99th ${pickUp.p99Ms.toFixed(1)} ms)`)}`,
    ],
  ]
  const table = rows.map(([label, value]) => `  ${label.padEnd(34)}${value}`)
  const details = [
    ...overlaps
      .slice(0, mostShown)
      .map(({ first, second, resources, byMs }) =>
        red(`  overlap: tasks ${first} and ${second} on ${resources.join(', ')} for ${ms(byMs)}`),
      ),
    ...failures(failed),
    ...lost.slice(0, mostShown).map((task) => red(`  lost: ${describe(task)}`)),
    ...result.deaths.map((death) => `  ${death}`),
  ]
  const heading = isGood(result) ? green('Nothing overlapped, nothing was lost.') : red('FAILED')
  return [bold(heading), '', ...table, ...(details.length > 0 ? ['', ...details] : [])].join('\n')
}

/** Whether nothing overlapped or got lost, and nothing failed but what a dead worker took along. */
export function isGood({ verdict: { overlaps, lost }, unexplained }: DemoResult): boolean {
  return overlaps.length === 0 && lost.length === 0 && unexplained === 0
}

function failures(failed: readonly Outcome[]): string[] {
  const byReason = new Map<string, number>()
  for (const { state, reason } of failed) {
    const text = `${state}: ${reason ?? 'no reason recorded'}`
    byReason.set(text, (byReason.get(text) ?? 0) + 1)
  }
  return [...byReason].map(([reason, count]) => `  ${count} × ${reason}`)
}

function describe({ index, state }: Outcome): string {
  return `task ${index}, ${state}`
}

function ms(value: number): string {
  return value < 1_000 ? `${value.toFixed(1)} ms` : `${(value / 1_000).toFixed(2)} s`
}
