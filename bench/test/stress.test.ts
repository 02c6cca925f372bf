import { useDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { isSound } from '../src/stress/judge.ts'
import { runStress } from '../src/stress/stress.ts'
import { stressText } from '../src/stress/verdict-text.ts'

const database = useDatabase()

test('nothing overlaps, overtakes, gets stuck or lost while processes die', async () => {
  const notes: string[] = []
  const result = await runStress(
    { url: database.url, seconds: 15, processes: 8, seed: 1 },
    (text) => notes.push(text),
  )
  expect(isSound(result.verdict), `${notes.join('\n')}\n${stressText(result)}`).toBe(true)
  // It must have seen something, or it says nothing.
  const { verdict, killed, retired, sessions, cancels } = result
  expect(killed + retired).toBeGreaterThan(0)
  expect(sessions).toBeGreaterThan(0)
  expect(cancels).toBeGreaterThan(0)
  expect(verdict.completed).toBeGreaterThan(100)
}, 180_000)
