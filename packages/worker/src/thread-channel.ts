import { Worker as Thread } from 'node:worker_threads'
import type { ChildChannel, ChildEnd, ChildLimits } from './child-channel.ts'
import type { FromChild } from './child-message.ts'
import { childScript } from './child-script.ts'

/** Starts a thread. It shares the process: its memory limit is its own, a crash of Node is not. */
export function startThread({ heapLimitMb }: ChildLimits): ChildChannel {
  const thread = new Thread(childScript('child-main'), {
    name: 'tasking',
    ...(heapLimitMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: heapLimitMb } }),
  })
  let error: unknown
  thread.on('error', (thrown: unknown) => (error = thrown))
  const channel: ChildChannel = {
    isolation: 'thread',
    send: (message) => thread.postMessage(message),
    onMessage: () => undefined,
    // Node delivers what a thread has posted before it tells of its exit.
    ended: new Promise<ChildEnd>((resolve) => {
      thread.once('exit', (exitCode) => resolve({ exitCode, signal: null, error }))
    }),
    kill: () => void thread.terminate(),
  }
  thread.on('message', (message: FromChild) => channel.onMessage(message))
  return channel
}
