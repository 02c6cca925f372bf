import { benchDatabase } from '../bench-database.ts'
import type { BenchDatabase } from '../bench-database.ts'
import type { Sample } from '../measure/sample.ts'
import type { SideDefinition, Stage } from '../scenario.ts'

/** A side whose rounds share a database, which is filled once. */
export function sharedSide(
  name: string,
  measure: (stage: Stage, database: BenchDatabase) => Promise<Sample>,
  fill: (database: BenchDatabase, stage: Stage) => Promise<void> = async () => undefined,
): SideDefinition {
  return {
    name,
    async open(stage) {
      const database = await benchDatabase(stage)
      await fill(database, stage)
      await database.settle()
      return {
        measure: () => measure(stage, database),
        [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
      }
    },
  }
}
