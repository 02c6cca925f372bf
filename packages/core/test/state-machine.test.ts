import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'

import { eventRules, isFinal, nextState, taskEvents, taskStates } from '../src/state-machine.ts'
import type { TaskEvent, TaskState } from '../src/state-machine.ts'

const finalStates: readonly TaskState[] = ['completed', 'failed', 'canceled', 'skipped']

// Written out, not derived: this is what docs and SQL are held against.
const legal: Readonly<Record<TaskEvent, Readonly<Partial<Record<TaskState, TaskState>>>>> = {
  due: { scheduled: 'waiting' },
  claim: { waiting: 'running' },
  complete: { running: 'completed', canceling: 'canceled' },
  fail: { running: 'failed', canceling: 'canceled' },
  retry: { running: 'scheduled', canceling: 'canceled' },
  cancel: {
    scheduled: 'canceled',
    waiting: 'canceled',
    running: 'canceling',
    canceling: 'canceling',
  },
  lose: { running: 'failed', canceling: 'canceled' },
  recover: { running: 'scheduled', canceling: 'canceled' },
  orphan: { running: 'waiting', canceling: 'waiting' },
  abandon: { waiting: 'failed' },
}

const pairs = taskStates.flatMap((state) => taskEvents.map((event) => ({ state, event })))

describe('nextState', () => {
  test.each(pairs)('$state + $event', ({ state, event }) => {
    expect(nextState(state, event)).toBe(legal[event][state])
  })

  test.each(finalStates)('has no way out of %s', (state) => {
    expect(taskEvents.filter((event) => nextState(state, event) !== undefined)).toEqual([])
  })

  test('leaves no state that is not final without a way out', () => {
    const stuck = taskStates.filter(
      (state) => !isFinal(state) && taskEvents.every((event) => !nextState(state, event)),
    )
    expect(stuck).toEqual([])
  })

  test('leads from every state that is not final to a final one by losing or canceling', () => {
    const reach = (state: TaskState): boolean => {
      const next = nextState(state, 'lose') ?? nextState(state, 'cancel')
      return next !== undefined && isFinal(next)
    }
    expect(taskStates.filter((state) => !isFinal(state) && !reach(state))).toEqual([])
  })
})

test.each([...taskEvents, ...taskStates])('the picture of the states shows %s', async (word) => {
  const picture = await readFile(new URL('../../../docs/states.svg', import.meta.url), 'utf8')
  const texts = [...picture.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text)
  expect(texts.join(', ').split(', ')).toContain(word)
})

describe('isFinal', () => {
  test.each(taskStates)('%s', (state) => {
    expect(isFinal(state)).toBe(finalStates.includes(state))
  })
})

describe('eventRules', () => {
  test('say who may cause an event', () => {
    const actors = Object.fromEntries(taskEvents.map((event) => [event, eventRules[event].by]))
    expect(actors).toEqual({
      due: 'housekeeping',
      claim: 'worker',
      complete: 'worker',
      fail: 'worker',
      retry: 'worker',
      cancel: 'client',
      lose: 'housekeeping',
      recover: 'housekeeping',
      orphan: 'housekeeping',
      abandon: 'housekeeping',
    })
  })

  test('ask for the owner where a handler has ended, and there only', () => {
    const ownersOnly = taskEvents.filter((event) => eventRules[event].ownerOnly)
    expect(ownersOnly).toEqual(['complete', 'fail', 'retry'])
  })
})
