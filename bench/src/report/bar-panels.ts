import type { ScenarioResult } from '../run-scenario.ts'
import type { Plotted } from '../scenario.ts'
import type { BarPanel } from './bar-plot.ts'

/** A panel for each figure that the scenario names, or else that its goals are about. */
export function barPanels({ scenario, sides }: ScenarioResult): BarPanel[] {
  return plottedOf(scenario).map(({ what, figure }) => ({
    name: what,
    bars: sides.map(({ name, median }) => ({ name, value: figure(median) })),
  }))
}

function plottedOf({ plotted, goals }: ScenarioResult['scenario']): Plotted[] {
  const byName = new Map((plotted ?? goals).map((one) => [one.what, one]))
  return [...byName.values()]
}
