import type { BlockedRule, DispatchOptions, Duration, TwinRule } from '@tasking/core'

/** What flags or a line say of a dispatch beside the task itself. */
export interface Settings {
  readonly queue?: string
  readonly priority?: number
  readonly group?: string
  readonly correlationId?: string
  readonly dedupe?: string
  /** Only used with a key. */
  readonly ifTwin?: TwinRule
  readonly ifBlocked?: BlockedRule
  readonly delay?: Duration
  readonly runAt?: Date
}

export const twinRules: readonly TwinRule[] = ['return', 'skip', 'replace']
export const blockedRules: readonly BlockedRule[] = ['wait', 'skip', 'fail']

export function optionsOf({ dedupe, ifTwin, ...options }: Settings): DispatchOptions {
  if (dedupe === undefined) return options
  return { ...options, dedupe: { key: dedupe, ...(ifTwin !== undefined && { ifTwin }) } }
}
