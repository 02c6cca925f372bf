import { createLogUpdate } from 'log-update'
import { cyan, dim } from 'yoctocolors'
import { count } from '../count.ts'
import { timeText } from '../time-text.ts'

/** How far a file has been dispatched. */
export interface BatchState {
  readonly lines: number
  readonly batches: number
  /** Dispatched; without those that a twin stands for, and those skipped. */
  readonly tasks: number
  /** How many of those are in line behind something. */
  readonly blocked: number
  readonly twins: number
  readonly skipped: number
  /** From 0 to 1; `undefined` where the end isn't known. */
  readonly done: number | undefined
  readonly elapsedMs: number
}

export interface BatchView {
  show(state: BatchState): void
  end(): void
}

const barWidth = 30
const terminalPeriodMs = 100
const plainPeriodMs = 5_000

/** A bar on a terminal, elsewhere a line now and then. */
export function batchView(out: NodeJS.WriteStream): BatchView {
  const terminal = out.isTTY ? createLogUpdate(out) : undefined
  const periodMs = terminal ? terminalPeriodMs : plainPeriodMs
  let nextMs = terminal ? 0 : plainPeriodMs
  return {
    show(state) {
      if (state.elapsedMs < nextMs) return
      nextMs = state.elapsedMs + periodMs
      if (terminal) terminal(`${bar(state)}${text(state)}`)
      else out.write(`${text(state)}\n`)
    },
    end() {
      // The summary says what remains of it.
      terminal?.clear()
      terminal?.done()
    },
  }
}

export const quietView: BatchView = { show() {}, end() {} }

export function perSecond({ tasks, elapsedMs }: BatchState): number {
  return tasks / Math.max(elapsedMs / 1_000, 0.001)
}

function bar({ done }: BatchState): string {
  if (done === undefined) return ''
  const filled = Math.round(Math.min(done, 1) * barWidth)
  return `${cyan('█'.repeat(filled))}${dim('░'.repeat(barWidth - filled))} `
}

function text(state: BatchState): string {
  const { lines, batches, done, elapsedMs } = state
  const parts = [
    ...(done === undefined ? [] : [`${Math.floor(done * 100)}%`]),
    count(lines, 'line'),
    count(batches, 'batch', 'batches'),
    `${count(perSecond(state))} tasks/s`,
    ...(done === undefined || done === 0
      ? []
      : [`${timeText((elapsedMs / done) * (1 - done))} left`]),
  ]
  return parts.join('  ')
}
