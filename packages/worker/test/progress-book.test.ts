import { MemoryStore } from '@tasking/core'
import type { ProgressState, TaskProgress } from '@tasking/core'
import { settled } from '@tasking/core/testing'
import { expect, test } from 'vitest'

import { ProgressBook } from '../src/progress-book.ts'
import { ProgressRelay } from '../src/progress-relay.ts'
import { forwardingStore } from './forwarding-store.ts'
import { handClock } from './hand-clock.ts'
import { LogBook } from './log-book.ts'

const task = (id: string) => ({ id, name: 'n', correlationId: null, fencingToken: 1n })
const report = (done: number, code = 'c'): ProgressState => ({
  ...{ code, message: 'm', done, total: null, suffix: null },
})

function book(write: (progress: readonly TaskProgress[]) => Promise<string[]> = async () => []) {
  const writes: string[][] = []
  const store = forwardingStore(new MemoryStore(), {
    reportProgress: (_worker, progress) => {
      writes.push(
        progress.map(({ id, reports }) => `${id}: ${reports.map(({ done }) => done).join()}`),
      )
      return write(progress)
    },
  })
  const clock = handClock()
  const log = new LogBook()
  return { book: new ProgressBook(store, 'w', clock, log.logger), writes, clock, log }
}

test('writes at once, then once a second the latest of all tasks, and nothing when nothing comes', async () => {
  const { book: progress, writes, clock } = book()
  for (let done = 0; done < 1_000; done += 1) progress.note(task('a'), [report(done)])
  progress.note(task('b'), [report(5), report(6, 'd')])
  await settled()
  expect(writes).toEqual([['a: 999', 'b: 5,6']])
  progress.note(task('b'), [report(7)])
  await clock.advance(999)
  expect(writes).toHaveLength(1)
  await clock.advance(1)
  expect(writes).toEqual([['a: 999', 'b: 5,6'], ['b: 7']])
  await clock.advance(10_000)
  expect(writes).toHaveLength(2)
})

test('writes what is left of a task before its end, and asks nothing where nothing is', async () => {
  const { book: progress, writes } = book()
  expect(progress.close(task('a'))).toBeUndefined()
  progress.note(task('a'), [report(1)])
  await settled()
  progress.note(task('a'), [report(2)])
  progress.note(task('b'), [report(3)])
  await progress.close(task('a'))
  expect(writes).toEqual([['a: 1'], ['a: 2']])
})

test('lets a task end only when a write of it that is under way has ended', async () => {
  let written: () => void = () => undefined
  const { book: progress } = book(() => new Promise((resolve) => (written = () => resolve([]))))
  progress.note(task('a'), [report(1)])
  await settled()
  let closed = false
  const closing = progress.close(task('a'))?.then(() => (closed = true))
  await settled()
  expect(closed).toBe(false)
  written()
  await closing
  expect(closed).toBe(true)
})

test('tries again what could not be written, but for what is newer, and says what is refused', async () => {
  let refusals = 1
  const {
    book: progress,
    writes,
    clock,
    log,
  } = book(async () => {
    refusals -= 1
    if (refusals === 0) throw new Error('away')
    return ['a']
  })
  progress.note(task('a'), [report(1), report(1, 'd')])
  await settled()
  progress.note(task('a'), [report(2)])
  await clock.advance(1_000)
  expect(writes).toEqual([['a: 1,1'], ['a: 2,1']])
  const { fields } = await log.next('the progress of a task was refused: it is not ours')
  expect(fields).toEqual({ taskId: 'a', task: 'n' })
})

test('does not hold up the end of a task for long while the store hangs', async () => {
  const { book: progress, clock } = book(() => new Promise(() => undefined))
  progress.note(task('a'), [report(1)])
  await settled()
  progress.note(task('a'), [report(2)])
  const closed = progress.close(task('a'))
  await clock.advance(2_000)
  await closed
})

test('a relay sends the first at once, and the latest of the others a little later', async () => {
  const sent: number[][] = []
  const clock = handClock()
  const relay = new ProgressRelay(clock, (reports) => sent.push(reports.map(({ done }) => done)))
  for (let done = 0; done < 100; done += 1) relay.note([report(done)])
  expect(sent).toEqual([[0]])
  await clock.advance(200)
  relay.note([report(100)])
  relay.flush()
  relay.flush()
  await clock.advance(1_000)
  expect(sent).toEqual([[0], [99], [100]])
})
