import type { Sample } from '../measure/sample.ts'
import type { SideDefinition, Stage } from '../scenario.ts'

/** A side whose rounds have nothing in common: each has a database of its own. */
export function freshSide(
  name: string,
  measure: (stage: Stage) => Promise<Sample>,
): SideDefinition {
  return {
    name,
    open: async (stage) => ({
      measure: () => measure(stage),
      [Symbol.asyncDispose]: async () => undefined,
    }),
  }
}

/** For a peer that needs Redis. */
export function onRedis(side: SideDefinition): SideDefinition {
  return { ...side, needsRedis: true }
}
