import { expect, test } from 'vitest'
import { expectation, finding, mixesOf, readSearch } from '../proofs.mjs'

const clean = `
State-vector 100 byte, depth reached 78, errors: 0
     2870 states, stored
     1906 states, matched
`
const failed = `
pan:1: assertion violated  !((((3==0)||(3==3))&&stuck)) (at depth 51)
pan: wrote protocol.pml.trail
State-vector 100 byte, depth reached 64, errors: 1
       72 states, stored
`

test('reads what was searched and what was found', () => {
  expect(readSearch(clean)).toEqual({ found: undefined, states: 2870 })
  expect(readSearch(failed)).toEqual({ found: 'stuck', states: 72 })
})

test('takes a failure that it does not know for one', () => {
  const other = failed.replace(/assertion.*\)\) /, 'invalid end state ')
  expect(readSearch(other).found).toBe('invalid end state')
})

test('takes nothing that was cut short for a proof', () => {
  expect(readSearch('').found).toBe('cut short')
  expect(readSearch(`error: max search depth too small\n${clean}`).found).toBe('cut short')
  expect(readSearch(`pan: out of memory\n${clean}`).found).toBe('cut short')
})

test('sums up what was found over all mixes, in the words of what is expected', () => {
  const stuck = { found: 'stuck', states: 72 }
  const none = { found: undefined, states: 2870 }
  const variant = { name: 'no second look', macros: [] }
  const mixes = mixesOf(variant)
  const searches = mixes.map((_, index) => (index < 32 ? stuck : none))
  expect(finding(searches)).toBe(expectation({ ...variant, finds: 'stuck', mixes: 32 }))
  expect(finding([none, none])).toBe(expectation(variant))
  expect(finding([stuck, { found: 'overlap', states: 5 }])).toBe('overlap, stuck in 2 of 2')
})

test('goes through every mix of kinds of tasks once', () => {
  const mixes = mixesOf({ name: 'all guards', macros: [] })
  expect(new Set(mixes).size).toBe(120)
  expect([mixes.at(0), mixes.at(-1)]).toEqual([10101, 80808])
  expect(mixesOf({ name: 'counted resources', macros: ['COUNTED'] })).toHaveLength(165)
})
