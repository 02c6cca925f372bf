import { open } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import type { Readable } from 'node:stream'
import type { Tasking } from '@tasking/core'
import { wrongUsage } from '../command-error.ts'
import { count } from '../count.ts'
import { print, printJson } from '../output.ts'
import { timeText } from '../time-text.ts'
import { dispatchBatches } from './batches.ts'
import { batchView, perSecond, quietView } from './progress.ts'
import type { BatchState } from './progress.ts'
import type { Settings } from './settings.ts'
import type { TaskSource } from './task-source.ts'

export interface FromLinesOptions {
  /** A file, or `-` for standard input. */
  readonly from: string
  readonly skipLines: number
  readonly defaults: Settings
  readonly json: boolean
}

/** Dispatches what a file of NDJSON asks for, shows how it goes on, and sums up. */
export async function dispatchLines(
  tasking: Tasking,
  source: TaskSource,
  { from, skipLines, defaults, json }: FromLinesOptions,
): Promise<void> {
  const { stream, inputBytes } = await opened(from)
  // What is wrong with the database isn't the first line's fault.
  await tasking.store.check()
  const view = json ? quietView : batchView(process.stderr)
  const interrupt = new AbortController()
  const stop = () => interrupt.abort()
  // Only the first time: whoever insists is let go.
  process.once('SIGINT', stop)
  const { signal } = interrupt
  // Also while it waits for more to read.
  const input = addAbortSignal(signal, stream)
  const onBatch = (state: BatchState) => view.show(state)
  const batches = { tasking, source, input, inputBytes, skipLines, defaults, signal, onBatch }
  const state = await dispatchBatches(batches).finally(() => {
    view.end()
    process.off('SIGINT', stop)
  })
  if (json) printJson(summary(state))
  else print(summaryText(state))
}

interface Opened {
  readonly stream: Readable
  readonly inputBytes: number | undefined
}

async function opened(from: string): Promise<Opened> {
  if (from === '-') return { stream: process.stdin, inputBytes: undefined }
  const file = await open(from).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'it is not there' : error.message
    throw wrongUsage(`--from: ${from} can't be read: ${why}.`)
  })
  const stat = await file.stat()
  if (stat.isDirectory()) {
    await file.close()
    throw wrongUsage(`--from: ${from} is a directory.`)
  }
  // A pipe has no size.
  return { stream: file.createReadStream(), inputBytes: stat.isFile() ? stat.size : undefined }
}

function summary(state: BatchState): object {
  const { tasks, blocked, twins, skipped, batches, lines, elapsedMs } = state
  const seconds = Math.round(elapsedMs) / 1_000
  return { tasks, blocked, twins, skipped, batches, lines, seconds }
}

function summaryText(state: BatchState): string {
  const { tasks, twins, skipped, batches, lines, elapsedMs } = state
  const parts = [
    `Dispatched ${count(tasks, 'task')} from ${count(lines, 'line')}`,
    `in ${count(batches, 'batch', 'batches')}`,
    `within ${timeText(elapsedMs)} (${count(perSecond(state))} per second).`,
    ...(twins > 0 ? [`${count(twins, 'other')} had a twin.`] : []),
    ...(skipped > 0
      ? [`${count(skipped, 'other')} ${skipped === 1 ? 'was' : 'were'} skipped.`]
      : []),
  ]
  return parts.join(' ')
}
