import { describe, expect, test } from 'vitest'

import { LookAgain } from '../src/look-again.ts'

const released = { resource: 'released', mode: 'exclusive' as const, inFlight: false }
const inFlight = { resource: 'in flight', mode: 'exclusive' as const, inFlight: true }

describe('LookAgain', () => {
  test('has nothing to look at in the beginning', () => {
    const looks = new LookAgain()
    expect(looks.dueAt).toBe(Infinity)
    expect(looks.dueAt <= 1e9).toBe(false)
    expect(looks.take(1e9)).toEqual([])
  })

  test('looks at once at what was released', () => {
    const looks = new LookAgain()
    looks.add([released], 100)
    expect(looks.dueAt <= 100).toBe(true)
    expect(looks.take(100)).toEqual([released])
    expect(looks.dueAt <= 1e9).toBe(false)
  })

  test('looks in a little while where a dispatcher is in flight', () => {
    const looks = new LookAgain()
    looks.add([inFlight], 100)
    expect(looks.dueAt).toBe(110)
    expect(looks.dueAt <= 109).toBe(false)
    expect(looks.take(109)).toEqual([])
    expect(looks.take(110)).toEqual([inFlight])
    expect(looks.dueAt).toBe(Infinity)
  })

  test('does not take the later ones with those that are due at once', () => {
    const looks = new LookAgain()
    looks.add([inFlight, released], 100)
    expect(looks.take(100)).toEqual([released])
    expect(looks.take(110)).toEqual([inFlight])
  })

  test('takes both when both are due', () => {
    const looks = new LookAgain()
    looks.add([inFlight, released], 100)
    expect(looks.take(200)).toEqual([released, inFlight])
  })

  test('looks ever more seldom while the dispatcher stays, but every half second', () => {
    const looks = new LookAgain()
    const pauses: number[] = []
    let now = 0
    for (let i = 0; i < 9; i += 1) {
      looks.add([inFlight], now)
      pauses.push(looks.dueAt - now)
      now = looks.dueAt
      looks.take(now)
    }
    expect(pauses).toEqual([10, 20, 40, 80, 160, 320, 500, 500, 500])
  })

  test('looks soon again once the dispatcher was gone', () => {
    const looks = new LookAgain()
    for (let i = 0; i < 5; i += 1) {
      looks.add([inFlight], 0)
      looks.take(1e9)
    }
    looks.add([], 0)
    looks.add([inFlight], 0)
    expect(looks.dueAt).toBe(10)
  })

  test('a second dispatcher does not put off the look at the first', () => {
    const looks = new LookAgain()
    looks.add([inFlight], 100)
    looks.add([{ ...inFlight, resource: 'another' }], 105)
    expect(looks.dueAt).toBe(110)
  })

  test('looks at once at what was put back', () => {
    const looks = new LookAgain()
    looks.add([inFlight, released], 100)
    const taken = looks.take(200)
    looks.putBack(taken)
    expect(looks.dueAt <= 200).toBe(true)
    expect(looks.take(200)).toEqual(taken)
  })
})
