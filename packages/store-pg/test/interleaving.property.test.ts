import { useDatabase } from '@tasking/testbed'
import { afterAll, beforeAll, test } from 'vitest'
import { runs } from '../../core/test/arbitraries.ts'
import { playScenarios } from '../../core/test/interleaving/run.ts'
import { PgEngine } from './interleaving/pg-engine.ts'

// Side by side, each with a database of its own: while one waits for its server, another judges.
const databases = [useDatabase(), useDatabase(), useDatabase(), useDatabase()]
let engines: PgEngine[]

beforeAll(async () => {
  engines = await Promise.all(databases.map(({ directUrl }) => PgEngine.open(directUrl, 4)))
})
afterAll(() => Promise.all(engines.map((engine) => engine[Symbol.asyncDispose]())))

test.concurrent.for([...databases.keys()])(
  'in PostgreSQL, whatever clients and workers do at once, everything goes as in the model (%i)',
  { timeout: 900_000 },
  async (nth) => {
    const engine = engines[nth]
    if (engine === undefined) throw new Error('There is no such engine.')
    await playScenarios(engine, runs(250))
  },
)
