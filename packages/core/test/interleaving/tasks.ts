import fc from 'fast-check'
import { normalizeResources } from '../../src/index.ts'
import type { BlockedRule, NewTask, ResourceRequest, TwinRule } from '../../src/index.ts'
import { resourcesArbitrary } from '../arbitraries.ts'

/** A task of a batch, before it belongs to a run. */
export interface Draft {
  readonly name: string
  readonly resources: ResourceRequest
  readonly priority: number
  readonly dedupeKey?: string
  readonly ifTwin?: TwinRule
  readonly ifBlocked?: BlockedRule
}

const keyed = {
  dedupeKey: fc.constantFrom('k1', 'k2'),
  ifTwin: fc.constantFrom<TwinRule>('return', 'skip', 'replace', 'replace'),
}
const impatient = { ifBlocked: fc.constantFrom<BlockedRule>('skip', 'fail') }

/** Those with a key have one name, since the model knows twins by their keys alone. */
export const taskNames = ['task', 'other'] as const

const rules: fc.Arbitrary<Omit<Draft, 'name' | 'resources' | 'priority'>> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  { weight: 3, arbitrary: fc.record(keyed) },
  { weight: 1, arbitrary: fc.record(impatient) },
  { weight: 1, arbitrary: fc.record({ ...keyed, ...impatient }) },
)

const draft: fc.Arbitrary<Draft> = fc
  .tuple(fc.constantFrom(...taskNames), resourcesArbitrary, fc.nat({ max: 1 }), rules)
  .map(([name, resources, priority, rule]) => ({
    ...{ name: 'dedupeKey' in rule ? taskNames[0] : name, resources, priority, ...rule },
  }))

/** More resources than there may be locks at once. */
const wideDraft: Draft = {
  name: taskNames[0],
  resources: { exclusive: ['r1', ...Array.from({ length: 64 }, (_, n) => `wide${n}`)] },
  priority: 0,
}

export const batchArbitrary: fc.Arbitrary<readonly Draft[]> = fc.oneof(
  { weight: 6, arbitrary: draft.map((one) => [one]) },
  { weight: 3, arbitrary: fc.array(draft, { minLength: 2, maxLength: 4 }) },
)

export const wideBatch: readonly Draft[] = [wideDraft]

/** The tasks of a batch; what their names begin with keeps them from meeting those of other runs. */
export function tasksOf(drafts: readonly Draft[], prefix = ''): NewTask[] {
  const named = (name: string) => `${prefix}${name}`
  return drafts.map(({ resources, dedupeKey, ...rest }) => {
    const { exclusive = [], shared = [], counted = [] } = resources
    return {
      ...{ id: crypto.randomUUID(), input: null, queue: 'default' },
      ...rest,
      resources: normalizeResources({
        exclusive: exclusive.map(named),
        shared: shared.map(named),
        counted: counted.map((count) => ({ ...count, resource: named(count.resource) })),
      }),
      ...(dedupeKey !== undefined && { dedupeKey: named(dedupeKey) }),
    }
  })
}
