import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import type { ChildChannel, ChildEnd, ChildLimits } from './child-channel.ts'
import type { FromChild } from './child-message.ts'
import { childScript } from './child-script.ts'

/**
 * Starts a process. It leads a group of its own: Ctrl-C in a terminal doesn't reach it, and what its
 * handlers start is killed with it. It holds the end of a pipe, by which it notices the death of its
 * worker, SIGKILL included, also while a handler blocks it.
 */
export function startProcess({ heapLimitMb }: ChildLimits): ChildChannel {
  const child = fork(childScript('child-main'), [], {
    detached: true,
    serialization: 'advanced',
    // Under Node's watch it would tell of its modules by the channel that is for handlers.
    env: { ...process.env, WATCH_REPORT_DEPENDENCIES: undefined },
    // Two can't listen on the debugger's port.
    execArgv: [
      ...process.execArgv.filter((flag) => !flag.startsWith('--inspect')),
      ...(heapLimitMb === undefined ? [] : [`--max-old-space-size=${heapLimitMb}`]),
    ],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
  })
  const lifeline = lifelineOf(child)
  const channel: ChildChannel = {
    isolation: 'process',
    // One that has died says so by its end.
    send: (message) => void (child.connected && child.send(message, () => undefined)),
    onMessage: () => undefined,
    ended: endOf(child),
    kill: () => killGroup(child),
    renew: (ms) => void lifeline?.write(`${Math.round(ms)}\n`),
  }
  child.on('message', (message) => channel.onMessage(message as FromChild))
  return channel
}

function lifelineOf(child: ChildProcess): Socket | undefined {
  // Without a free file descriptor there are none.
  const pipe = (child.stdio as typeof child.stdio | undefined)?.[4]
  if (!(pipe instanceof Socket)) return undefined
  pipe.on('error', () => undefined)
  // Its end is only noticed by one who reads.
  return pipe.resume()
}

function endOf(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve) => {
    // For good: an error that nobody hears would end the worker.
    child.on('error', (error) => {
      if (child.pid === undefined) resolve({ exitCode: null, signal: null, error })
    })
    // What the handler has started must not go on when its task has ended.
    child.once('exit', () => killGroup(child))
    // Only this comes after the last message.
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal }))
  })
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    // Windows has no groups to kill.
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
