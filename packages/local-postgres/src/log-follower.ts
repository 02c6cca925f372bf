import { type FileHandle, open } from 'node:fs/promises'

const intervalMs = 100

/** Passes on what a server writes to its log. */
export interface LogFollower {
  /** Passes on what is there by now, and no more after that. */
  stop(): Promise<void>
}

/** Follows a log from its present end, line by line and at most 0.1 s late. */
export async function followLog(
  file: string,
  onLine: (line: string) => void,
): Promise<LogFollower> {
  const handle = await open(file, 'a+')
  let position = (await handle.stat()).size
  let rest = Buffer.alloc(0)
  let turn = Promise.resolve()

  const read = async (): Promise<void> => {
    const added = await readAll(handle, position)
    position += added.length
    const text = Buffer.concat([rest, added])
    const end = text.lastIndexOf(10) + 1
    rest = text.subarray(end)
    if (end > 0)
      text
        .toString('utf8', 0, end - 1)
        .split('\n')
        .forEach(onLine)
  }
  const readInTurn = (): Promise<void> => (turn = turn.then(read))
  const timer = setInterval(() => void readInTurn(), intervalMs)
  timer.unref()

  return {
    async stop() {
      clearInterval(timer)
      await readInTurn()
      if (rest.length > 0) onLine(rest.toString('utf8'))
      await handle.close()
    },
  }
}

async function readAll(handle: FileHandle, from: number): Promise<Buffer> {
  const { size } = await handle.stat()
  const buffer = Buffer.alloc(Math.max(0, size - from))
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, from)
  return buffer.subarray(0, bytesRead)
}
