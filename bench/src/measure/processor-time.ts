import { readdirSync, readFileSync } from 'node:fs'

// What the kernel counts in for programs, on every architecture that Node runs on.
const ticksPerSecond = 100

interface ProcessTimes {
  readonly parent: number
  /** Of the process itself, in seconds. */
  readonly own: number
  /** Of its children that have ended. */
  readonly ended: number
}

/** Of the machine as a whole, in seconds of one processor. */
export interface MachineTimes {
  readonly busy: number
  readonly total: number
}

/** A process as its line in /proc/<pid>/stat has it. */
export function parseProcess(line: string): ProcessTimes {
  // The name before the bracket may contain anything.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const seconds = (from: number) =>
    (Number(fields[from]) + Number(fields[from + 1])) / ticksPerSecond
  return { parent: Number(fields[1]), own: seconds(11), ended: seconds(13) }
}

/** The machine as the first line of /proc/stat has it. */
export function parseMachine(text: string): MachineTimes {
  const [first = ''] = text.split('\n')
  // Time of guests is part of "user" already.
  const ticks = first.trim().split(/\s+/).slice(1, 9).map(Number)
  const sum = ticks.reduce((all, one) => all + one, 0)
  const [idle = 0, waiting = 0] = ticks.slice(3)
  return { busy: (sum - idle - waiting) / ticksPerSecond, total: sum / ticksPerSecond }
}

/** Processor time of a server, its ended sessions included; undefined where there is no /proc. */
export function serverSeconds(postmaster: number): number | undefined {
  const server = readProcess(String(postmaster))
  if (server === undefined) return undefined
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readProcess)
    .filter((times) => times?.parent === postmaster)
  return children.reduce(
    (sum, times) => sum + (times?.own ?? 0) + (times?.ended ?? 0),
    server.own + server.ended,
  )
}

/** Undefined where there is no /proc. */
export function machineSeconds(): MachineTimes | undefined {
  const text = readText('/proc/stat')
  return text === undefined ? undefined : parseMachine(text)
}

/** Of this process, all threads. */
export function ownSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function readProcess(pid: string): ProcessTimes | undefined {
  const text = readText(`/proc/${pid}/stat`)
  return text === undefined ? undefined : parseProcess(text)
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // It has ended in the meantime, or the system has no /proc.
    return undefined
  }
}
