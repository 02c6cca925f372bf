// What docs/proofs/protocol.pml is searched for, and what must be found: nothing with all guards, and
// with one taken out the failure that it is there to prevent, in just so many mixes of tasks.

/**
 * @typedef {object} Variant
 * @property {string} name
 * @property {readonly string[]} macros
 * @property {'overlap' | 'stuck' | 'deadlock'} [finds] without it, no failure of any kind must be found
 * @property {number} [mixes] in how many mixes of tasks
 */

/** @typedef {{ found: string | undefined, states: number }} Search What came of the search of one mix. */

/** @type {readonly Variant[]} The long ones first, so that what is left fills up the processors. */
export const variants = [
  { name: 'all guards', macros: [] },
  { name: 'counted resources', macros: ['COUNTED', 'ONE_SNAPSHOT'] },
  { name: 'tasks are canceled, or nearly', macros: ['CANCELS', 'ONE_SNAPSHOT'] },
  { name: 'transactions roll back, are repeated', macros: ['ROLLBACKS', 'ONE_SNAPSHOT'] },
  { name: 'processes die, housekeeping sweeps', macros: ['DEATHS', 'SWEEP', 'ONE_SNAPSHOT'] },
  { name: "completed in handlers' transactions", macros: ['COMPLETIONS', 'ONE_SNAPSHOT'] },
  {
    name: 'the same, and looks at any time',
    macros: ['COMPLETIONS', 'EARLY_LOOKS', 'ONE_SNAPSHOT'],
  },
  without('no dispatch locks', 'WITHOUT_DISPATCH_LOCKS', 'overlap', 106),
  without('positions drawn before the locks', 'POSITION_BEFORE_LOCKS', 'overlap', 106),
  without('dispatch locks in any order', 'LOCKS_IN_ANY_ORDER', 'deadlock', 30),
  without('no try-lock', 'WITHOUT_TRY', 'stuck', 106),
  without('the try-lock after the look', 'TRY_AFTER_LOOK', 'stuck', 106),
  without('no look where the try failed', 'WITHOUT_LOOK_AFTER_FAILED_TRY', 'stuck', 106),
  without('no second look', 'WITHOUT_SECOND_LOOK', 'stuck', 32),
  without('no look where a row was locked', 'WITHOUT_LOOK_AFTER_LOCKED_ROW CANCELS', 'stuck', 106),
  without('processes die, nobody sweeps', 'DEATHS', 'stuck', 106),
  without('counted, with a shared dispatch lock', 'SHARED_LOCK_FOR_COUNTED COUNTED', 'overlap', 40),
  without('counted, the first too large left out', 'WITHOUT_FIRST_TOO_LARGE COUNTED', 'stuck', 4),
]

/** @type {(name: string, macros: string, finds: NonNullable<Variant['finds']>, mixes: number) => Variant} */
function without(name, macros, finds, mixes) {
  return { name, macros: ['ONE_SNAPSHOT', ...macros.split(' ')], finds, mixes }
}

/**
 * Proofs with every read of a look as a statement of its own: five times the states. Two would need
 * too much memory for that.
 * @type {readonly Variant[]}
 */
export const thorough = variants
  .filter(({ finds, macros }) => !finds && !macros.some((macro) => /SWEEP|EARLY/.test(macro)))
  .map(({ name, macros }) => ({ name, macros: macros.filter((macro) => macro !== 'ONE_SNAPSHOT') }))

/**
 * Every mix of three kinds of tasks, as the model reads it: 10203 for the kinds 1, 2 and 3.
 * @param {Variant} variant
 */
export function mixesOf({ macros }) {
  const kinds = macros.includes('COUNTED') ? 9 : 8
  /** @type {number[]} */
  const mixes = []
  for (let a = 1; a <= kinds; a += 1) {
    for (let b = a; b <= kinds; b += 1) {
      for (let c = b; c <= kinds; c += 1) mixes.push((a * 100 + b) * 100 + c)
    }
  }
  return mixes
}

/**
 * What the model checker says about one mix. A search that was cut short has proved nothing.
 * @param {string} output
 * @returns {Search}
 */
export function readSearch(output) {
  const states = Number(/^ *(\d+) states, stored/m.exec(output)?.[1] ?? 0)
  const errors = /errors: (\d+)$/m.exec(output)?.[1]
  if (!errors || /max search depth too small|out of memory/.test(output)) {
    return { found: 'cut short', states }
  }
  if (errors === '0') return { found: undefined, states }
  const [, message = 'an error'] = /^pan:\d+: (.*) \(at depth/m.exec(output) ?? []
  const [failure = message] = /overlap|overtaken|stuck|deadlock/.exec(message) ?? []
  return { found: failure, states }
}

/** @param {readonly Search[]} searches */
export function finding(searches) {
  const found = searches.flatMap((search) => search.found ?? [])
  if (found.length === 0) return 'nothing'
  return `${[...new Set(found)].sort().join(', ')} in ${found.length} of ${searches.length}`
}

/** @param {Variant} variant */
export function expectation(variant) {
  if (!variant.finds) return 'nothing'
  return `${variant.finds} in ${variant.mixes} of ${mixesOf(variant).length}`
}
