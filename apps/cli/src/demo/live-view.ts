import { createLogUpdate } from 'log-update'
import { bold, cyan, dim, green, red, yellow } from 'yoctocolors'
import type { Progress } from './progress.ts'

const barWidth = 40
const plainPeriodMs = 2_000

/** Shows how a run of the demo goes on, as long as it lasts. */
export interface LiveView {
  note(line: string): void
  show(progress: Progress): void
  end(): void
}

/** A picture that is drawn anew on a terminal, a line now and then elsewhere. */
export function liveView(out: NodeJS.WriteStream): LiveView {
  return out.isTTY ? terminalView(out) : plainView(out)
}

/** For those who only want the result. */
export const silentView: LiveView = { note() {}, show() {}, end() {} }

function terminalView(out: NodeJS.WriteStream): LiveView {
  const update = createLogUpdate(out)
  let last: Progress | undefined
  return {
    note(line) {
      update.clear()
      out.write(`${line}\n`)
      if (last !== undefined) update(picture(last))
    },
    show(progress) {
      last = progress
      update(picture(progress))
    },
    end: () => update.done(),
  }
}

function plainView(out: NodeJS.WriteStream): LiveView {
  let shownAtMs = -Infinity
  return {
    note: (line) => void out.write(`${line}\n`),
    show(progress) {
      if (progress.elapsedMs - shownAtMs < plainPeriodMs) return
      shownAtMs = progress.elapsedMs
      out.write(`${seconds(progress)}  ${counts(progress)}\n`)
    },
    end() {},
  }
}

function picture(progress: Progress): string {
  const { total, completed, failed, running, waiting } = progress
  const width = (count: number) => Math.round((count / total) * barWidth)
  const done = width(completed + failed)
  const busy = width(running)
  const free = width(waiting)
  const rest = Math.max(0, barWidth - done - busy - free)
  const bar = green('█'.repeat(done)) + cyan('█'.repeat(busy)) + yellow('▒'.repeat(free))
  return `  ${bar}${dim('░'.repeat(rest))}  ${bold(seconds(progress))}\n  ${counts(progress)}`
}

function counts(progress: Progress): string {
  const { total, dispatched, completed, failed, running, waiting, blocked, elapsedMs } = progress
  const perSecond = elapsedMs > 0 ? (completed / elapsedMs) * 1_000 : 0
  return [
    ...(dispatched < total ? [`${dispatched} of ${total} dispatched`] : []),
    green(`${completed} completed`),
    cyan(`${running} running`),
    yellow(`${waiting} waiting`),
    dim(`${blocked} blocked`),
    ...(failed > 0 ? [red(`${failed} failed`)] : []),
    `${perSecond.toFixed(1)}/s`,
  ].join('  ')
}

function seconds({ elapsedMs }: Progress): string {
  return `${(elapsedMs / 1_000).toFixed(1).padStart(6)} s`
}
