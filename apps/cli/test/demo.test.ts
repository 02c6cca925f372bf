import { fileURLToPath } from 'node:url'
import { spawnNode, useDatabase } from '@tasking/testbed'
import { describe, expect, test } from 'vitest'

const database = useDatabase({ migrated: false })
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

interface Result {
  readonly total: number
  readonly slots: number
  readonly deaths: readonly string[]
  readonly verdict: {
    readonly completed: number
    readonly failed: readonly { readonly state: string; readonly reason: string }[]
    readonly overlaps: readonly unknown[]
    readonly lost: readonly unknown[]
  }
}

async function demo(...flags: string[]): Promise<number | null> {
  const args = ['demo', '--database-url', database.url, ...flags]
  await using program = spawnNode(main, args)
  return (await program.exit).code
}

async function demoResult(...flags: string[]): Promise<Result> {
  const args = ['demo', '--json', '--database-url', database.url, ...flags]
  await using program = spawnNode(main, args)
  expect(await program.exit, program.lines.join('\n')).toEqual({ code: 0, signal: null })
  return JSON.parse(program.lines.join('\n')) as Result
}

describe('tasking demo', () => {
  test('a workload of both modes: nothing overlaps, nothing is lost', async () => {
    const result = await demoResult(
      ...['--tasks', '60', '--duration', '20ms', '--resources', '10', '--shared', '0.5'],
    )
    expect(result).toMatchObject({
      total: 60,
      slots: 8,
      verdict: { completed: 60, overlaps: [], lost: [], failed: [] },
      deaths: [],
    })
  }, 120_000)

  test('SIGKILL of a worker: its tasks fail with a reason, the rest completes', async () => {
    const result = await demoResult(
      ...['--tasks', '30', '--duration', '400ms', '--kill-after', '600ms', '--ttl', '5s'],
    )
    const { completed, failed, overlaps, lost } = result.verdict
    expect({ overlaps, lost }).toEqual({ overlaps: [], lost: [] })
    expect(failed.length).toBeGreaterThan(0)
    expect(completed + failed.length).toBe(30)
    for (const { state, reason } of failed) {
      expect(state).toBe('failed')
      expect(reason).toContain('has gone missing')
    }
    expect(result.deaths).toEqual([expect.stringContaining('SIGKILL')])
  }, 120_000)

  test.each([
    ['--workers', '0'],
    ['--shared', '1.5'],
    ['--duration', '5'],
    ['--no-such-flag', '1'],
  ])('%s %s is wrong usage', async (flag, value) => {
    expect(await demo(flag, value)).toBe(2)
  })
})
