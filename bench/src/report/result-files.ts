import { mkdirSync, writeFileSync } from 'node:fs'
import { arch, cpus, platform, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { figuresOf } from '../measure/figures.ts'
import type { ScenarioResult } from '../run-scenario.ts'
import { barPanels } from './bar-panels.ts'
import { barPlot } from './bar-plot.ts'
import { goalLine } from './scenario-text.ts'
import { plot } from './plot.ts'

const directory = fileURLToPath(new URL('../../results', import.meta.url))

/** Where and how a run took place. */
export interface RunContext {
  readonly startedAt: Date
  readonly postgresVersion: string
  readonly scale: number
}

/** A result as JSON has it. */
export function resultDocument(result: ScenarioResult, context: RunContext) {
  const { scenario, rounds, sides, judgements } = result
  return {
    scenario: scenario.name,
    description: scenario.description,
    ...context,
    startedAt: context.startedAt.toISOString(),
    machine: {
      platform: `${platform()} ${arch()}`,
      processors: cpus().length,
      model: cpus()[0]?.model ?? '',
      memoryGb: Math.round(totalmem() / 2 ** 30),
      node: process.versions.node,
    },
    rounds,
    goals: judgements.map((judgement) => ({
      text: goalLine(judgement).trim(),
      value: judgement.value ?? null,
      met: judgement.met ?? null,
    })),
    sides: sides.map(({ name, samples, median }) => ({
      name,
      median,
      rounds: samples.map(figuresOf),
      series: samples.map(({ series }) => series),
    })),
  }
}

/** Writes the result with a plot of its sides, and one of their course over time. @returns the files */
export function writeResult(result: ScenarioResult, context: RunContext): string[] {
  mkdirSync(directory, { recursive: true })
  const stamp = context.startedAt.toISOString().slice(0, 19).replaceAll(':', '')
  const file = join(directory, `${result.scenario.name}-${stamp}`)
  const { description } = result.scenario
  const files = [`${file}.json`, `${file}.svg`]
  writeFileSync(`${file}.json`, `${JSON.stringify(resultDocument(result, context), null, 2)}\n`)
  writeFileSync(`${file}.svg`, barPlot(description, barPanels(result)))
  const plotted = result.sides.map(({ name, samples }) => ({
    name,
    series: samples[0]?.series ?? [],
  }))
  if (plotted.some(({ series }) => series.length > 0)) {
    files.push(`${file}-course.svg`)
    writeFileSync(`${file}-course.svg`, plot(description, plotted))
  }
  return files
}
