import { appendFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Resources } from '@tasking/core'

/** What became of a dispatch; `uncertain` where it failed, so that it may have taken place or not. */
export type DispatchEnd = 'kept' | 'rolled back' | 'uncertain'

/** A task that somebody meant to dispatch, with times of the monotonic clock. */
export interface LedgerEntry {
  readonly index: number
  readonly resources: Resources
  /** Which dispatch it was part of, and at what place. */
  readonly dispatch: string
  readonly place: number
  readonly beganNs: bigint
  /** Undefined where nobody was told that it is in the store. */
  readonly keptNs: bigint | undefined
  readonly end: DispatchEnd
}

/** A task before its dispatch. */
export interface PlannedTask {
  readonly index: number
  readonly resources: Resources
}

type Note =
  | { kind: 'begin'; dispatch: string; atNs: string; tasks: readonly PlannedTask[] }
  | { kind: 'end'; dispatch: string; atNs: string; end: DispatchEnd }

/** Notes that a dispatch begins, in a file of this process; tell what it returns of the end. */
export function recordDispatch(
  directory: string,
  tasks: readonly PlannedTask[],
): (end: DispatchEnd) => void {
  const dispatch = crypto.randomUUID()
  write(directory, { kind: 'begin', dispatch, atNs: now(), tasks })
  return (end) => write(directory, { kind: 'end', dispatch, atNs: now(), end })
}

/** Everything that processes noted in this directory. */
export function readLedger(directory: string): LedgerEntry[] {
  const notes = readdirSync(directory).flatMap((file) =>
    readFileSync(join(directory, file), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Note),
  )
  const ends = new Map(
    notes.flatMap((note) => (note.kind === 'end' ? [[note.dispatch, note] as const] : [])),
  )
  return notes.flatMap((note) => {
    if (note.kind !== 'begin') return []
    const noted = ends.get(note.dispatch)
    const end = noted?.end ?? 'uncertain'
    const keptNs = noted?.end === 'kept' ? BigInt(noted.atNs) : undefined
    const { dispatch } = note
    const beganNs = BigInt(note.atNs)
    return note.tasks.map((task, place) => ({ ...task, dispatch, place, beganNs, keptNs, end }))
  })
}

function write(directory: string, note: Note): void {
  mkdirSync(directory, { recursive: true })
  appendFileSync(join(directory, `${process.pid}.ndjson`), `${JSON.stringify(note)}\n`)
}

function now(): string {
  return process.hrtime.bigint().toString()
}
