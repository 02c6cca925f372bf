import type { WorkerRecord } from '@tasking/core'

/** Whether a worker has given a sign of life within its TTL. */
export function isAlive({ lastHeartbeatAt, ttlMs }: WorkerRecord, now: Date): boolean {
  return now.getTime() - lastHeartbeatAt.getTime() <= ttlMs
}
