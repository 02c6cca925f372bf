import type { Resources } from '@tasking/core'
import fc from 'fast-check'

const names = ['r1', 'r2', 'r3', 'r4']

/** Up to all of a few resources, each exclusive or shared: few enough to conflict all the time. */
export const resourcesArbitrary: fc.Arbitrary<Resources> = fc
  .uniqueArray(fc.record({ name: fc.constantFrom(...names), exclusive: fc.boolean() }), {
    maxLength: 3,
    selector: ({ name }) => name,
  })
  .map((list) => ({
    exclusive: list.filter(({ exclusive }) => exclusive).map(({ name }) => name),
    shared: list.filter(({ exclusive }) => !exclusive).map(({ name }) => name),
  }))

/** How often a property is tried: TASKING_TEST_EFFORT times as often as usual. */
export function runs(usual: number): number {
  return Math.ceil(usual * Number(process.env['TASKING_TEST_EFFORT'] ?? 1))
}
