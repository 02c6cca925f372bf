import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An empty directory that is removed with all that is in it when it is disposed of. */
export interface WorkingDirectory extends AsyncDisposable {
  readonly path: string
}

export async function createWorkingDirectory(): Promise<WorkingDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'tasking-'))
  // What a killed process was writing may appear while it is being removed.
  const options = { recursive: true, force: true, maxRetries: 5 }
  return { path, [Symbol.asyncDispose]: () => rm(path, options) }
}
