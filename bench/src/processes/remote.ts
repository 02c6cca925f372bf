import { fork } from 'node:child_process'
import { once } from 'node:events'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Answer, Call, Event, Methods } from './service.ts'
import type { ProcessUsage } from './usage.ts'

/** A child process whose methods can be called, and that can tell of events. */
export interface Remote<Api extends Methods<Api>, Told = never> extends AsyncDisposable {
  readonly pid: number
  /** Resolves when it has ended, with how; never rejects. */
  readonly exited: Promise<string>
  /** @throws Error when the method does, or the process ends before it has answered */
  call<Name extends keyof Api & string>(
    name: Name,
    ...input: Parameters<Api[Name]>
  ): Promise<Awaited<ReturnType<Api[Name]>>>
  usage(): Promise<ProcessUsage>
  onEvent(listener: (event: Told) => void): void
  kill(signal: NodeJS.Signals): void
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** Starts a script that calls `serve`. Disposing of it kills the process. */
export function spawnRemote<Api extends Methods<Api>, Told = never>(
  script: URL,
): Remote<Api, Told> {
  const path = fileURLToPath(script)
  const name = basename(path)
  const child = fork(path, { serialization: 'advanced' })
  const pending = new Map<number, Pending>()
  const listeners: ((event: Told) => void)[] = []
  let calls = 0
  child.on('message', (message) => {
    const received = message as Answer | Event<Told>
    if ('event' in received) {
      for (const listener of listeners) listener(received.event)
      return
    }
    const caller = pending.get(received.id)
    pending.delete(received.id)
    if (received.error === undefined) caller?.resolve(received.value)
    else caller?.reject(new Error(`${name}: ${received.error}`))
  })
  const exited = once(child, 'exit').then(([code, signal]) => {
    const how = signal === null ? `exit code ${code}` : String(signal)
    for (const { reject } of pending.values()) reject(new Error(`${name} ended: ${how}`))
    pending.clear()
    return how
  })
  const send = (method: string, input: unknown) =>
    new Promise<unknown>((resolve, reject) => {
      calls += 1
      const call: Call = { id: calls, name: method, input }
      pending.set(call.id, { resolve, reject })
      child.send(call, (error) => error && reject(error))
    })
  return {
    pid: child.pid ?? 0,
    exited,
    // What comes back is what the method of that name gave.
    call: (method, ...[input]) => send(method, input) as never,
    usage: () => send('usage', undefined) as Promise<ProcessUsage>,
    onEvent: (listener) => void listeners.push(listener),
    kill: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
