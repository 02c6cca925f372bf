import type { JsonValue } from '@tasking/core'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { ChildPool } from '../src/child-pool.ts'
import { handClock } from './hand-clock.ts'
import { LogBook } from './log-book.ts'

afterEach(() => void vi.restoreAllMocks())

/** A pool of real threads on a clock that is moved by hand. Disposing of it kills them. */
function setUp(data: JsonValue = null) {
  const clock = handClock()
  const book = new LogBook()
  const module = new URL('fixtures/light-tasking.ts', import.meta.url).href
  const pool = new ChildPool({ module, data }, { heapLimitMb: undefined }, clock, book.logger)
  return { clock, book, pool, [Symbol.dispose]: () => pool.kill() }
}

describe('ChildPool', () => {
  test('gives the one that worked last, so that the others can rest', async () => {
    using stage = setUp()
    const { pool } = stage
    const [a, b] = await Promise.all([pool.take('thread'), pool.take('thread')])
    expect(a).not.toBe(b)
    pool.release(a)
    pool.release(b)
    expect(await pool.take('thread')).toBe(b)
    expect(await pool.take('thread')).toBe(a)
  })

  test('lets one go that has rested for a minute, and not one that works', async () => {
    using stage = setUp()
    const { clock, pool, book } = stage
    const [rests, works] = await Promise.all([pool.take('thread'), pool.take('thread')])
    pool.release(works)
    await clock.advance(59_999)
    expect(await pool.take('thread')).toBe(works)
    pool.release(rests)
    await clock.advance(59_999)
    expect(rests.isUsable).toBe(true)
    await clock.advance(1)
    expect(await rests.ended).toMatchObject({ exitCode: 0 })
    expect(works.isUsable).toBe(true)
    expect(book.entries).toEqual([])
  })

  test('tells of one that ends while it rests', async () => {
    using stage = setUp()
    const { pool, book } = stage
    const child = await pool.take('process')
    pool.release(child)
    child.kill()
    const line = await book.next('an idle process was killed by SIGKILL (signal 9)')
    expect(line.level).toBe('warn')
    expect(await pool.take('process')).not.toBe(child)
  })

  test('does not wait for ever for one to be ready', async () => {
    using stage = setUp('opening')
    const { clock, pool } = stage
    const failure = pool.take('thread').catch((error: unknown) => error)
    await clock.advance(60_000)
    expect(await failure).toMatchObject({
      code: 'isolation_failed',
      message: 'No thread for handlers could be started: it was not ready after 1m.',
    })
  })

  test('waits for those that leave, and kills those that do not', async () => {
    using stage = setUp('closing')
    const { clock, pool } = stage
    const child = await pool.take('thread')
    const closed = pool.close()
    await clock.advance(4_999)
    expect(child.isUsable).toBe(true)
    await clock.advance(1)
    await closed
    expect(await child.ended).toMatchObject({ exitCode: 1 })
  })

  test('takes none back while it closes', async () => {
    using stage = setUp()
    const { clock, pool, book } = stage
    const child = await pool.take('thread')
    const closed = pool.close()
    pool.release(child)
    await closed
    expect(await child.ended).toMatchObject({ exitCode: 0 })
    expect([clock.pauses, book.entries]).toEqual([[], []])
  })
})
