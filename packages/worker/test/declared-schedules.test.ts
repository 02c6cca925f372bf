import {
  createTasking,
  defineSchedule,
  defineTask,
  MemoryStore,
  StoreUnavailableError,
} from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { HandClock } from '@tasking/core/testing'
import { expect, test } from 'vitest'
import { DeclaredSchedules } from '../src/declared-schedules.ts'
import { forwardingStore } from './forwarding-store.ts'
import { LogBook } from './log-book.ts'

const tick = defineTask({ name: 'tick', run: () => undefined })
// There is no key for it.
const secret = defineTask({ name: 'secret', encrypted: true, run: () => undefined })
const schedules = [
  defineSchedule({ name: 'first', task: tick, every: '1h' }),
  defineSchedule({ name: 'odd', task: secret, every: '1h' }),
  defineSchedule({ name: 'last', task: tick, every: '1h' }),
]
const message = 'a declared schedule could not be set'

test('one that can not be set holds up no other, and is tried again ever more seldom', async () => {
  const clock = new HandClock()
  const book = new LogBook()
  const tasking: Tasking = createTasking({ store: new MemoryStore(), clock, schedules })
  const declared = new DeclaredSchedules(tasking, clock, book.logger)
  await declared.set()
  const names = async () => (await tasking.schedules.list()).map(({ name }) => name)
  expect(await names()).toEqual(['first', 'last'])
  expect(book.entries).toMatchObject([{ message, fields: { schedule: 'odd', againInMs: 30_000 } }])

  // Who removes what is set means it.
  await tasking.schedules.remove('first')
  for (let seconds = 0; seconds < 100; seconds += 1) {
    clock.move('1s')
    await declared.set()
  }
  expect(await names()).toEqual(['last'])
  expect(book.entries.map(({ fields }) => fields['againInMs'])).toEqual([30_000, 60_000, 120_000])
})

test('without an answer of the store all are tried again at once', async () => {
  const clock = new HandClock()
  const memory = new MemoryStore()
  let away = true
  const store = forwardingStore(memory, {
    setSchedule: async (schedule) => {
      if (away) throw new StoreUnavailableError('db', 'away')
      return memory.setSchedule(schedule)
    },
  })
  const book = new LogBook()
  const tasking = createTasking({
    store,
    clock,
    schedules: schedules.filter(({ name }) => name !== 'odd'),
  })
  const declared = new DeclaredSchedules(tasking, clock, book.logger)
  await expect(declared.set()).rejects.toThrow(StoreUnavailableError)
  away = false
  await declared.set()
  expect(await memory.schedules()).toMatchObject([{ name: 'first' }, { name: 'last' }])
  expect(book.entries).toEqual([])
})
