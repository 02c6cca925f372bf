import fc from 'fast-check'
import { normalizeResources } from '../src/index.ts'
import type { Resources } from '../src/index.ts'

/** Few enough to conflict all the time; each has so many units where it is counted. */
const capacities = { r1: 2, r2: 3, r3: 3, r4: 5 }

const names = fc.constantFrom(...(Object.keys(capacities) as (keyof typeof capacities)[]))

/** Up to three of a few resources, each exclusive, shared or counted. */
export const resourcesArbitrary: fc.Arbitrary<Resources> = fc
  .uniqueArray(
    fc.record({
      name: names,
      mode: fc.constantFrom('exclusive', 'shared', 'counted'),
      amount: fc.nat({ max: 4 }),
    }),
    { maxLength: 3, selector: ({ name }) => name },
  )
  .map((list) => {
    const named = (mode: string) => list.filter((one) => one.mode === mode)
    return normalizeResources({
      exclusive: named('exclusive').map(({ name }) => name),
      shared: named('shared').map(({ name }) => name),
      counted: named('counted').map(({ name, amount }) => {
        const capacity = capacities[name]
        return { resource: name, amount: 1 + (amount % capacity), capacity }
      }),
    })
  })

/** How often a property is tried: TASKING_TEST_EFFORT times as often as usual. */
export function runs(usual: number): number {
  return Math.ceil(usual * Number(process.env['TASKING_TEST_EFFORT'] ?? 1))
}
