import { readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { TaskingError } from '@tasking/core'

/**
 * Keeps the id of this process in a file, until the process ends. A file that a dead process has left
 * is taken over.
 * @throws TaskingError when a live process has it
 */
export function keepPidFile(path: string): void {
  const own = String(process.pid)
  try {
    writeFileSync(path, `${own}\n`, { flag: 'wx' })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    const pid = Number(readFileSync(path, 'utf8'))
    if (pid !== process.pid && isAlive(pid)) {
      const message = `${path} belongs to process ${pid}, which is alive. If that is no worker, delete the file.`
      throw new TaskingError('pid_file_taken', message)
    }
    // Of two that find the same dead one only the first can do this.
    unlinkSync(path)
    writeFileSync(path, `${own}\n`, { flag: 'wx' })
  }
  // Whatever ends it, but for a SIGKILL.
  process.once('exit', () => {
    try {
      if (readFileSync(path, 'utf8').trim() === own) unlinkSync(path)
    } catch {
      // Gone, or out of reach by now: that must not change the exit code.
    }
  })
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
