import type { FromChild, ToChild } from './child-message.ts'

/** How a thread or a process ended. */
export interface ChildEnd {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** What a thread, or the start of a process, failed with. */
  readonly error?: unknown
}

/** A thread or a process as its worker sees it. */
export interface ChildChannel {
  readonly isolation: 'thread' | 'process'
  send(message: ToChild): void
  /** Set before the first message can have come. */
  onMessage: (message: FromChild) => void
  /** Resolves when it has ended and its last message has come. */
  readonly ended: Promise<ChildEnd>
  /** Ends it, whatever it is doing. Idempotent. */
  kill(): void
  /** Lets it live for so long without hearing from its worker again; for those that outlive it. */
  renew?(ms: number): void
}

/** What every child may use. */
export interface ChildLimits {
  /** How much memory its heap may take, in MiB. */
  readonly heapLimitMb: number | undefined
}
