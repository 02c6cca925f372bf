import { ownSeconds } from '../measure/processor-time.ts'
import { roundTrips } from '../measure/round-trips.ts'

/** What a Node process has used since its start. */
export interface ProcessUsage {
  readonly cpuSeconds: number
  readonly roundTrips: number
}

export function usageOfThisProcess(): ProcessUsage {
  return { cpuSeconds: ownSeconds(), roundTrips: roundTrips() }
}
