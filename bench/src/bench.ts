import { loadavg } from 'node:os'
import { startPostgres } from '@tasking/local-postgres'
import { startRedis } from './processes/local-redis.ts'
import { resultDocument, writeResult } from './report/result-files.ts'
import { scenarioText } from './report/scenario-text.ts'
import { runScenario } from './run-scenario.ts'
import type { Stage } from './scenario.ts'
import { scenarios } from './scenarios/index.ts'
import { redisVariable } from './systems/redis-variable.ts'

export interface BenchFlags {
  readonly postgres?: string
  readonly rounds?: number
  readonly scale: number
  readonly minutes?: number
  readonly quick?: boolean
  readonly json?: boolean
}

const quickScale = 0.02
// Each of 64 workers has connections of its own.
const maxConnections = 500

/** Runs scenarios on a PostgreSQL of their own, with the defaults of a durable one. */
export async function runBench(names: readonly string[], flags: BenchFlags): Promise<void> {
  const { quick = false, postgres: binDir, json = false } = flags
  const scale = quick ? quickScale : flags.scale
  const rounds = flags.rounds ?? (quick ? 1 : undefined)
  const startedAt = new Date()
  const note = (text: string) => void process.stderr.write(`${text}\n`)
  await using server = await startPostgres({ maxConnections, ...(binDir && { binDir }) })
  await using redis = await startRedis()
  // Where the processes of the benchmark look for it.
  if (redis !== undefined) process.env[redisVariable] = redis.url
  const [load = 0] = loadavg()
  note(`PostgreSQL ${server.version}, Node ${process.versions.node}, load ${load.toFixed(2)}`)
  if (scale !== 1) note(`Sizes are ${scale} times what the names say.`)
  const stage: Stage = {
    server,
    redisUrl: redis?.url,
    minutes: flags.minutes ?? (quick ? 0.5 : 10),
    scaled: (full, least) => Math.max(least, Math.round(full * scale)),
    note,
  }
  const documents: unknown[] = []
  for (const scenario of scenarios) {
    if (names.length > 0 && !names.includes(scenario.name)) continue
    const result = await runScenario(scenario, stage, rounds)
    const context = { startedAt, postgresVersion: server.version, scale }
    const files = writeResult(result, context)
    documents.push(resultDocument(result, context))
    if (!json) process.stdout.write(`\n${scenarioText(result)}\n`)
    for (const file of files) note(`  ${file}`)
  }
  if (json) process.stdout.write(`${JSON.stringify(documents, null, 2)}\n`)
}
