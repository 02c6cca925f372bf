import type { Completion } from '@tasking/core'
import { describe, expect, test } from 'vitest'

import { Outbox } from '../src/outbox.ts'

const completed = (id: string): Completion => ({
  id,
  fencingToken: 1n,
  state: 'completed',
  result: id,
})

const [a, b, c] = [completed('a'), completed('b'), completed('c')] as const
const refusal = new Error('too large for a row')

function outboxOf(...completions: readonly Completion[]): Outbox {
  const outbox = new Outbox()
  for (const completion of completions) outbox.add(completion)
  return outbox
}

/** One turn with a store that refuses what `refuses` says; gives what was sent. */
function turn(outbox: Outbox, refuses: (sent: readonly Completion[]) => boolean, now = 0) {
  const sent = outbox.next(now)
  if (refuses(sent)) outbox.refused(sent, refusal)
  else outbox.taken(sent, answer([]), now)
  return sent
}

/** The store's answer to what was sent. */
const answer = (refused: readonly string[], unsettled: readonly string[] = []) => ({
  refused,
  unsettled,
})

const nothing = () => false
const whatHas = (id: string) => (sent: readonly Completion[]) => sent.some((one) => one.id === id)

describe('Outbox', () => {
  test('is empty in the beginning', () => {
    const outbox = new Outbox()
    expect(outbox.dueAt).toBe(Infinity)
    expect(outbox.isProbing).toBe(false)
    expect(outbox.next(0)).toEqual([])
    expect(outbox.ids).toEqual([])
  })

  test('sends all at once, and again where there is no answer', () => {
    const outbox = outboxOf(a, b)
    const sent = outbox.next(0)
    expect(sent).toEqual([a, b])
    expect(outbox.next(0)).toEqual([])
    expect(outbox.dueAt).toBe(Infinity)
    expect(outbox.ids).toEqual(['a', 'b'])
    outbox.add(c)
    outbox.unanswered(sent)
    expect(outbox.dueAt).toBe(0)
    expect(outbox.next(0)).toEqual([a, b, c])
  })

  test('sends no more than it is asked for, and the rest with the next', () => {
    const outbox = outboxOf(a, b, c)
    const sent = [outbox.next(0, 2), outbox.next(0, 2)]
    expect(sent).toEqual([[a, b], [c]])
    outbox.unanswered(sent[1] ?? [])
    expect(outbox.taken(sent[0] ?? [], answer([]), 0)).toMatchObject({ stored: ['a', 'b'] })
    expect(outbox.size).toBe(1)
    expect(outbox.next(0, 2)).toEqual([c])
  })

  test('forgets what the store has taken, and keeps what came meanwhile', () => {
    const outbox = outboxOf(a)
    const sent = outbox.next(0)
    outbox.add(b)
    expect(outbox.taken(sent, answer([]), 0)).toMatchObject({ stored: ['a'] })
    expect(outbox.next(0)).toEqual([b])
  })

  test("tells what wasn't this worker's any more", () => {
    const outbox = outboxOf(a, b)
    expect(outbox.taken(outbox.next(0), answer(['b']), 0)).toMatchObject({ stored: ['a'] })
    expect(outbox.dueAt).toBe(Infinity)
  })

  test('takes a refusal for stored where an answer was lost before', () => {
    const outbox = outboxOf(a, b)
    outbox.unanswered(outbox.next(0))
    outbox.add(c)
    expect(outbox.taken(outbox.next(0), answer(['a', 'c']), 0)).toMatchObject({
      stored: ['a', 'b'],
    })
  })

  test('keeps what is not settled yet, and sends it again in a little while', () => {
    const outbox = outboxOf(a, b)
    expect(outbox.taken(outbox.next(0), answer([], ['a']), 0)).toEqual({ stored: ['b'], lost: [] })
    expect([outbox.ids, outbox.next(0)]).toEqual([['a'], []])
    expect(outbox.next(outbox.dueAt)).toEqual([a])
    expect(outbox.taken([a], answer([]), 100)).toEqual({ stored: ['a'], lost: [] })
    expect(outbox.dueAt).toBe(Infinity)
  })

  test('remembers a lost answer only until the next one', () => {
    const outbox = outboxOf(a)
    outbox.unanswered(outbox.next(0))
    outbox.taken(outbox.next(0), answer([]), 0)
    outbox.add(a)
    expect(outbox.taken(outbox.next(0), answer(['a']), 0)).toMatchObject({ lost: ['a'] })
  })

  test('sends nothing after a refusal until a turn gets through, and then one by one', () => {
    const outbox = outboxOf(a, b)
    turn(outbox, () => true)
    expect(outbox.isProbing).toBe(true)
    expect(turn(outbox, () => true)).toEqual([])
    expect(turn(outbox, nothing)).toEqual([])
    expect(turn(outbox, nothing)).toEqual([a])
    expect(turn(outbox, nothing)).toEqual([b])
    expect(outbox.isProbing).toBe(false)
    expect(outbox.dueAt).toBe(Infinity)
  })

  test('changes no end while the store takes no turn at all', () => {
    const outbox = outboxOf(a, b)
    for (let i = 0; i < 10; i += 1) turn(outbox, () => true)
    const sent = [1, 2, 3].flatMap(() => turn(outbox, nothing))
    expect(sent).toEqual([a, b])
  })

  test('puts a failure in the place of what is refused alone', () => {
    const outbox = outboxOf(a, b)
    const refuses = (sent: readonly Completion[]) => sent.includes(a)
    const sent = [1, 2, 3, 4, 5, 6].map(() => turn(outbox, refuses))
    expect(sent.at(-2)).toEqual([b])
    expect(sent.at(-1)).toEqual([
      {
        id: 'a',
        fencingToken: 1n,
        state: 'failed',
        error: {
          name: 'ResultNotStoredError',
          code: 'result_not_stored',
          message: 'The task ended as completed, but the store refused that: too large for a row',
        },
      },
    ])
    expect(outbox.dueAt).toBe(Infinity)
  })

  test('does not blame what was refused only once', () => {
    const outbox = outboxOf(a)
    let refusals = 2
    const sent = [1, 2, 3, 4, 5, 6].flatMap(() =>
      turn(outbox, (s) => s.length > 0 && refusals-- > 0),
    )
    // The first refusal may be anybody's; after the second one it was sent alone.
    expect(sent.filter((one) => one.state === 'completed').length).toBeGreaterThanOrEqual(2)
    expect(outbox.dueAt).toBe(Infinity)
  })

  test('puts aside what is refused in any form, and goes on with the others', () => {
    const outbox = outboxOf(a, b)
    const sent = Array.from({ length: 12 }, () => turn(outbox, whatHas('a')))
    expect(sent.filter(whatHas('b'))).toContainEqual([b])
    expect(outbox.dueAt).toBe(Infinity)
    expect(outbox.isProbing).toBe(false)
    // It is still known, lest the store hand it over again.
    expect(outbox.ids).toEqual(['a'])
    outbox.add(c)
    expect(turn(outbox, whatHas('a'))).toEqual([c])
  })

  test('tries again, after a while, what was put aside', () => {
    const outbox = outboxOf(a)
    for (let i = 0; i < 12; i += 1) turn(outbox, whatHas('a'))
    expect(outbox.next(4_999)).toEqual([])
    const sent = turn(outbox, nothing, 5_000)
    expect(sent).toMatchObject([{ id: 'a', state: 'failed' }])
    expect(outbox.ids).toEqual([])
  })

  test('does not look for one to blame while another turn is under way', () => {
    const outbox = outboxOf(a)
    // Refused alone, whatever it says, so that it is put aside.
    for (let n = 0; n < 8; n += 1) turn(outbox, (sent) => sent.length > 0)
    expect(outbox.ids).toEqual(['a'])
    outbox.add(b)
    const first = outbox.next(0)
    expect(outbox.isAlone(4_999)).toBe(false)
    expect(outbox.isAlone(5_000)).toBe(true)
    outbox.add(c)
    expect(outbox.next(5_000)).toEqual([c])
    expect(outbox.isProbing).toBe(false)
    outbox.refused(first, refusal)
    expect(outbox.next(5_000)).toEqual([])
  })

  test('does not send again what has been taken, though the turn comes to grief afterwards', () => {
    const outbox = outboxOf(a)
    const sent = outbox.next(0)
    outbox.taken(sent, answer([]), 0)
    outbox.refused(sent, refusal)
    expect(outbox.ids).toEqual([])
  })
})
