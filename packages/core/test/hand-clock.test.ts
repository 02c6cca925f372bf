import { expect, test } from 'vitest'
import { HandClock, settled } from '../src/testing/index.ts'

test('stands still until it is moved, and stops wherever somebody waits', async () => {
  const clock = new HandClock(new Date('2026-05-01T12:00:00Z'))
  const rung: string[] = []
  const ring = async (name: string, ...pauses: number[]) => {
    for (const ms of pauses) {
      await clock.sleep(ms)
      rung.push(`${name} at ${clock.elapsed}`)
    }
  }
  void ring('a', 100, 100, 100)
  void ring('b', 150)
  await settled()
  expect([rung, clock.pauses]).toEqual([[], [100, 150]])
  await clock.advance('250ms')
  expect(rung).toEqual(['a at 100', 'b at 150', 'a at 200'])
  expect(clock.now()).toEqual(new Date('2026-05-01T12:00:00.250Z'))
  await clock.next()
  expect(rung.at(-1)).toBe('a at 300')
  expect(clock.pauses).toEqual([])
})

test('moved at once, it wakes nobody before the next moment', async () => {
  const clock = new HandClock()
  let awake = false
  void clock.sleep(10).then(() => (awake = true))
  clock.move('1h')
  await settled()
  expect(awake).toBe(false)
  await clock.next()
  expect([awake, clock.elapsed]).toEqual([true, 3_600_000])
})

test('a sleep ends with its signal', async () => {
  const clock = new HandClock()
  const end = new AbortController()
  const asleep = clock.sleep(1_000, end.signal)
  end.abort()
  await asleep
  await clock.sleep(1_000, end.signal)
  expect(clock.pauses).toEqual([])
})
