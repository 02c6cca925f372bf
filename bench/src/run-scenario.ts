import { figuresOf, medianFigures } from './measure/figures.ts'
import type { Figures } from './measure/figures.ts'
import { judgeGoal } from './measure/judgement.ts'
import type { Judgement } from './measure/judgement.ts'
import type { Sample } from './measure/sample.ts'
import type { Scenario, Side, Stage } from './scenario.ts'

export interface SideResult {
  readonly name: string
  /** One per round. */
  readonly samples: readonly Sample[]
  readonly median: Figures
}

export interface ScenarioResult {
  readonly scenario: Scenario
  readonly rounds: number
  readonly sides: readonly SideResult[]
  readonly judgements: readonly Judgement[]
}

const usualRounds = 5

/** Measures all sides of a scenario in turns, and compares them. */
export async function runScenario(
  scenario: Scenario,
  stage: Stage,
  rounds = scenario.rounds ?? usualRounds,
): Promise<ScenarioResult> {
  await using sides = new AsyncDisposableStack()
  const opened: { name: string; side: Side; samples: Sample[] }[] = []
  for (const definition of scenario.sides) {
    const { name, needsRedis = false } = definition
    if (needsRedis && stage.redisUrl === undefined) {
      stage.note(`${scenario.name}: leaving out "${name}", since redis-server is not installed`)
      continue
    }
    stage.note(`${scenario.name}: preparing "${name}"`)
    opened.push({ name, side: sides.use(await definition.open(stage)), samples: [] })
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const { name, side, samples } of opened) {
      const sample = await side.measure()
      samples.push(sample)
      const where = `${scenario.name}: round ${round} of ${rounds}, "${name}"`
      stage.note(`${where}: ${summary(figuresOf(sample))}`)
    }
  }
  const figures = new Map(opened.map(({ name, samples }) => [name, samples.map(figuresOf)]))
  return {
    scenario,
    rounds,
    sides: opened.map(({ name, samples }) => {
      return { name, samples, median: medianFigures(figures.get(name) ?? []) }
    }),
    judgements: scenario.goals.map((goal) => judgeGoal(goal, figures)),
  }
}

// What is left of a run that is broken off.
function summary({ tasksPerSecond, p50Ms, postgresCpu, othersShare }: Figures): string {
  return [
    `${tasksPerSecond.toFixed(0)} tasks/s`,
    ...(p50Ms === undefined ? [] : [`${p50Ms.toFixed(2)} ms`]),
    ...(postgresCpu === undefined ? [] : [`${postgresCpu.toFixed(2)} s of PostgreSQL per 1,000`]),
    ...(othersShare === undefined ? [] : [`others ${(othersShare * 100).toFixed(0)} %`]),
  ].join(', ')
}
