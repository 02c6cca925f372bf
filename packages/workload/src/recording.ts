import { appendFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a handler noted of itself, by the machine's monotonic clock. */
interface Note {
  readonly kind: 'start' | 'end'
  readonly index: number
  readonly run: string
  readonly pid: number
  /** Nanoseconds of the monotonic clock, which all processes of a machine share. */
  readonly atNs: string
  /** Milliseconds of the wall clock. */
  readonly wallMs: number
}

/** One run of a handler, from its first line to its last. */
export interface Run {
  readonly index: number
  readonly pid: number
  readonly startNs: bigint
  /** Missing where its process died on the way. */
  readonly endNs: bigint | undefined
  readonly startWallMs: number
  readonly endWallMs: number | undefined
}

/** Milliseconds of the wall clock, finer than `Date.now()`. */
export function wallClockMs(): number {
  return performance.timeOrigin + performance.now()
}

/**
 * Notes the start of a handler in a file of its process; call what it returns at the end. Written
 * at once, so that a killed process leaves what it had begun.
 */
export function recordStart(directory: string, index: number): () => void {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, `${process.pid}.ndjson`)
  const run = crypto.randomUUID()
  const note = (kind: Note['kind']) => {
    const atNs = process.hrtime.bigint().toString()
    const line: Note = { kind, index, run, pid: process.pid, atNs, wallMs: wallClockMs() }
    appendFileSync(file, `${JSON.stringify(line)}\n`)
  }
  note('start')
  return () => note('end')
}

/** All runs that the processes noted in this directory. */
export function readRecordings(directory: string): Run[] {
  const runs = new Map<string, Run>()
  for (const file of readdirSync(directory)) {
    for (const line of readFileSync(join(directory, file), 'utf8').split('\n')) {
      if (line === '') continue
      const { kind, index, run, pid, atNs, wallMs } = JSON.parse(line) as Note
      const begun = runs.get(run)
      if (kind === 'end' && begun !== undefined) {
        runs.set(run, { ...begun, endNs: BigInt(atNs), endWallMs: wallMs })
      } else {
        const open = { endNs: undefined, endWallMs: undefined }
        runs.set(run, { index, pid, startNs: BigInt(atNs), startWallMs: wallMs, ...open })
      }
    }
  }
  return [...runs.values()]
}
