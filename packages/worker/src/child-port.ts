import { parentPort } from 'node:worker_threads'
import type { FromChild, ToChild } from './child-message.ts'

/** A child's side of the talk with its worker. */
export interface ChildPort {
  /** Resolves when the worker will get it, whatever becomes of this child then. */
  send(message: FromChild): Promise<void>
  onMessage(listener: (message: ToChild) => void): void
}

/** The port of this thread, or else of this process. */
export function childPort(): ChildPort {
  const thread = parentPort
  if (thread !== null) {
    return {
      async send(message) {
        thread.postMessage(message)
      },
      onMessage: (listener) => void thread.on('message', listener),
    }
  }
  return {
    send: (message) =>
      new Promise((resolve) => {
        // Without its worker nobody waits for an answer; the process ends for that anyway.
        if (process.send === undefined || !process.connected) resolve()
        else process.send(message, undefined, {}, () => resolve())
      }),
    onMessage: (listener) => void process.on('message', listener),
  }
}
