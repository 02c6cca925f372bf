import { startPostgres } from '@tasking/local-postgres'
import type { LocalPostgres } from '@tasking/local-postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { scenarioText } from '../src/report/scenario-text.ts'
import { runScenario } from '../src/run-scenario.ts'
import { scenarios } from '../src/scenarios/index.ts'

// A server of its own, since what it costs is read from its processes.
let server: LocalPostgres
beforeAll(async () => {
  const binDir = process.env['TASKING_POSTGRES_BIN']
  server = await startPostgres({ durable: false, maxConnections: 400, ...(binDir && { binDir }) })
})
afterAll(() => server?.stop())

test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
  '%s runs, and gives every figure that its goals ask for',
  async (_, scenario) => {
    const stage = {
      ...{ server, minutes: 0.04, note: () => undefined },
      scaled: (full: number, least: number) => Math.min(full, least),
    }
    const result = await runScenario(scenario, stage, 1)
    expect(result.sides.map(({ name }) => name)).toEqual(scenario.sides.map(({ name }) => name))
    for (const { samples } of result.sides) {
      expect(samples).toHaveLength(1)
      expect(samples[0]?.tasks).toBeGreaterThan(0)
      expect(samples[0]?.commits).toBeGreaterThan(0)
      expect(samples[0]?.roundTrips).toBeGreaterThan(0)
      expect(samples[0]?.walBytes).toBeGreaterThan(0)
    }
    const needsProc = process.platform !== 'linux'
    for (const { value, goal } of result.judgements) {
      expect(Number.isFinite(value) || needsProc, `${goal.what}: ${value}`).toBe(true)
    }
    expect(scenarioText(result)).toContain(scenario.description)
  },
  180_000,
)

// Counts, not times: these hold on any machine.
test('a chain on one resource costs one commit and one round trip per task', async () => {
  const chain = scenarios.find(({ name }) => name === 'chain')
  if (chain === undefined) throw new Error('There is no such scenario.')
  const stage = { server, minutes: 1, note: () => undefined, scaled: () => 300 }
  const { judgements } = await runScenario(chain, stage, 1)
  expect(judgements).toHaveLength(4)
  for (const { goal, value, met } of judgements) expect(met, `${goal.what}: ${value}`).toBe(true)
}, 120_000)
