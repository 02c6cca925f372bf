import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { TaskingError } from '@tasking/core'

/**
 * Keeps the id of this process in a file, until the process ends. A file that a dead process has left
 * is taken over, by one of those that try at once.
 * @throws TaskingError when a live process has it
 */
export function keepPidFile(path: string): void {
  take(path)
  // Whatever ends it, but for a SIGKILL.
  process.once('exit', () => {
    try {
      if (pidIn(path) === process.pid) unlinkSync(path)
    } catch {
      // Out of reach by now: that must not change the exit code.
    }
  })
}

function take(path: string): void {
  // Put there with its content, since an empty one would look like a dead process's.
  const own = `${path}.${process.pid}.new`
  writeFileSync(own, `${process.pid}\n`)
  try {
    while (!isLinked(own, path)) {
      const dead = deadHolderOf(path)
      if (dead !== undefined && isReplaced(path, dead, own)) return
    }
  } finally {
    rmSync(own, { force: true })
  }
}

// Whoever finds that a process is dead may be late: what stands there now may be another's. So one at
// a time replaces what a certain process has left, never leaving a gap for a third to step in; the
// permit for that is a file of the same kind, should its holder die in turn.
function isReplaced(path: string, dead: number, own: string): boolean {
  const permit = `${path}.after.${dead}`
  take(permit)
  try {
    if (!Object.is(pidIn(path), dead)) return false
    renameSync(own, path)
    return true
  } finally {
    unlinkSync(permit)
  }
}

function isLinked(own: string, path: string): boolean {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** @returns NaN for what is no process id, `undefined` where the file has gone meanwhile */
function deadHolderOf(path: string): number | undefined {
  const pid = pidIn(path)
  if (pid === undefined || pid === process.pid || !isAlive(pid)) return pid
  const message = `${path} belongs to process ${pid}, which is alive. If that is no worker, delete the file.`
  throw new TaskingError('pid_file_taken', message)
}

function pidIn(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // There is one, but it isn't ours.
    return codeOf(error) === 'EPERM'
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
