import type { TaskId } from './task.ts'

/** Hints that save polling. One may be lost or come twice; nothing depends on it. */
export type Signal =
  /** Something may be there to claim: in this queue, or in any (null); so many tasks, if that is known. */
  | { readonly kind: 'wakeup'; readonly queue: string | null; readonly tasks?: number }
  | { readonly kind: 'cancel'; readonly taskId: TaskId }
  /** A scheduled task will be due in so many milliseconds. Not sent where that is long. */
  | { readonly kind: 'due'; readonly inMs: number }

export interface SignalSource {
  /**
   * @param onSignal called for each signal from any process
   * @param onConnection told whether signals arrive from now on; while they don't, and before they
   *   did again, some may have been missed
   * @returns ends the subscription
   */
  subscribe(
    onSignal: (signal: Signal) => void,
    onConnection: (connected: boolean) => void,
  ): Promise<() => Promise<void>>
}
