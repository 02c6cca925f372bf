import type { DispatchOutcome, Tasking } from '@tasking/core'
import { CommandError } from '../command-error.ts'
import { count } from '../count.ts'
import { lineError, withLine, withResumption } from './batch-errors.ts'
import type { LineEntry } from './batch-errors.ts'
import { LineProblem, parseLine } from './line-task.ts'
import { linesOf } from './lines.ts'
import type { Line } from './lines.ts'
import type { BatchState } from './progress.ts'
import { optionsOf } from './settings.ts'
import type { Settings } from './settings.ts'
import type { TaskSource } from './task-source.ts'

const mostTasks = 1_000
// Bounds the memory of a batch, and what PostgreSQL has to take in one piece.
const mostBytes = 16 * 1_024 * 1_024

export interface BatchesOptions {
  readonly tasking: Tasking
  readonly source: TaskSource
  readonly input: AsyncIterable<Uint8Array>
  readonly inputBytes: number | undefined
  readonly skipLines: number
  /** For lines that don't say it themselves. */
  readonly defaults: Settings
  /** Aborts the input; the batch that is under way is still dispatched. */
  readonly signal: AbortSignal
  onBatch(state: BatchState): void
}

/**
 * Dispatches a task per line, in batches that are all-or-nothing, one after the other.
 * @throws CommandError that says how many tasks are dispatched, and how to go on
 */
export async function dispatchBatches(options: BatchesOptions): Promise<BatchState> {
  const startedAt = performance.now()
  const { inputBytes } = options
  const sum = { lines: options.skipLines, batches: 0, offset: 0 }
  const outcomes = { free: 0, blocked: 0, scheduled: 0, twin: 0, skipped: 0, canceled: 0 }
  const tasks = () => outcomes.free + outcomes.blocked + outcomes.scheduled
  const state = (): BatchState => ({
    lines: sum.lines - options.skipLines,
    batches: sum.batches,
    tasks: tasks(),
    blocked: outcomes.blocked,
    twins: outcomes.twin,
    skipped: outcomes.skipped,
    done: inputBytes && Math.min(1, sum.offset / inputBytes),
    elapsedMs: performance.now() - startedAt,
  })
  let batch: LineEntry[] = []
  let bytes = 0

  async function flush(line: number, offset: number): Promise<void> {
    if (batch.length > 0) {
      const came = await dispatchBatch(options.tasking, batch)
      for (const outcome of came) outcomes[outcome] += 1
      sum.batches += 1
    }
    batch = []
    bytes = 0
    sum.lines = line
    sum.offset = offset
    options.onBatch(state())
  }

  let last: Line | undefined
  try {
    for await (const line of linesOf(options.input, mostBytes)) {
      if (line.number <= options.skipLines) continue
      last = line
      const entry = await entryOf(line, options)
      if (entry !== undefined) batch.push(entry)
      bytes += line.bytes.length
      if (batch.length < mostTasks && bytes < mostBytes) continue
      await flush(line.number, line.endOffset)
      options.signal.throwIfAborted()
    }
    if (last !== undefined && last.number > sum.lines) await flush(last.number, last.endOffset)
  } catch (error) {
    // The abort reaches us through the input, or from here; what was under way is done.
    const stopped = options.signal.aborted && error instanceof Error && error.name === 'AbortError'
    const reason = stopped ? new CommandError('interrupted', 'Stopped as asked.') : error
    throw withResumption(reason, tasks(), sum.lines)
  }
  return state()
}

async function entryOf(line: Line, options: BatchesOptions): Promise<LineEntry | undefined> {
  try {
    if (line.bytes.length > mostBytes) {
      throw new LineProblem(`it is longer than ${count(mostBytes)} bytes`)
    }
    const task = parseLine(line.bytes)
    if (task === undefined) return undefined
    const definition = await options.source.definition(task.name, task.resources)
    const settings = optionsOf(withDefaults(task.settings, options.defaults))
    return { line: line.number, definition, input: task.input, options: settings }
  } catch (error) {
    if (error instanceof LineProblem || error instanceof CommandError) {
      throw lineError(line.number, error)
    }
    throw error
  }
}

// A line that says when, says it instead of the flags, whichever of the two it uses.
function withDefaults(own: Settings, { delay, runAt, ...defaults }: Settings): Settings {
  const time = { ...(delay !== undefined && { delay }), ...(runAt !== undefined && { runAt }) }
  const saysWhen = own.delay !== undefined || own.runAt !== undefined
  return { ...defaults, ...(saysWhen ? {} : time), ...own }
}

async function dispatchBatch(
  tasking: Tasking,
  batch: readonly LineEntry[],
): Promise<DispatchOutcome[]> {
  try {
    const handles = await tasking.dispatchBatch(batch)
    return handles.map(({ outcome }) => outcome)
  } catch (error) {
    throw withLine(error, batch)
  }
}
