import { createTasking } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { useDatabase } from '@tasking/testbed'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tasking as cli } from './cli-process.ts'
import { claim, hold, register } from './held-lines.ts'

const database = useDatabase()
const gpu = (amount: number) => [{ resource: 'gpu', amount, capacity: 8 }]
let tasking: Tasking
/** Runs; waits for it; waits for that one. */
const ids = { running: '', next: '', last: '' }

beforeAll(async () => {
  tasking = createTasking({ store: pgStore({ url: database.url }) })
  ids.running = (await tasking.dispatch(hold, { exclusive: ['a'], counted: gpu(6) })).id
  expect(await claim(tasking, await register(tasking, 'north'))).toEqual([ids.running])
  ids.next = (await tasking.dispatch(hold, { exclusive: ['a', 'b'] })).id
  ids.last = (await tasking.dispatch(hold, { exclusive: ['b'], counted: gpu(2) })).id
})

afterAll(() => tasking.close())

describe('explain', () => {
  test('leads from a task to what it really waits for', async () => {
    const { code, stdout, stderr } = await cli(['explain', ids.last], { url: database.url })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [running, next, last] = [ids.running, ids.next, ids.last]
    expect(
      stdout
        .replaceAll(/for [\d.]+m?s/g, 'for a while')
        .trimEnd()
        .split('\n'),
    ).toEqual([
      `hold ${last}`,
      'waiting (blocked) for a while',
      '',
      'b  exclusive, place 2 in line, blocked',
      '  held by  nobody',
      `  before   hold ${next}  exclusive, waits for a while, blocked`,
      '',
      'gpu  counted, 2 of 8, place 2 in line, unblocked',
      `  held by  hold ${running}  counted, 6, runs for a while on worker north`,
      '',
      'It waits for',
      `→ hold ${next} at b: waits for a while, blocked`,
      `  → hold ${running} at a: runs for a while on worker north`,
    ])
  })

  test('its JSON is the answer of the API', async () => {
    const { code, stdout } = await cli(['explain', ids.last, '--json'], { url: database.url })
    expect(code).toBe(0)
    const answer = JSON.parse(stdout) as unknown
    expect(answer).toEqual(JSON.parse(JSON.stringify(await tasking.explain(ids.last))))
    expect(answer).toMatchObject({
      chain: [{ task: { id: ids.next } }, { task: { id: ids.running } }],
    })
  })

  test('a task that is not there', async () => {
    const id = tasking.store.newId()
    expect(await cli(['explain', id], { url: database.url })).toEqual({
      ...{ code: 1, stdout: '' },
      stderr: `error: There is no task ${id}. [task_not_found]\n`,
    })
  })
})

describe('resources', () => {
  test('the longest lines come first', async () => {
    const { code, stdout } = await cli(['resources'], { url: database.url })
    expect(code).toBe(0)
    const [head, ...rows] = stdout.trimEnd().split('\n')
    expect(head).toMatch(/^RESOURCE +LENGTH +RUNNING +WAITING +USED +OLDEST$/)
    expect(rows).toEqual([
      expect.stringMatching(/^a +2 +1 +1 +[\d.]+m?s$/),
      expect.stringMatching(/^b +2 +0 +2 +[\d.]+m?s$/),
      expect.stringMatching(/^gpu +2 +1 +1 +6\/8 +[\d.]+m?s$/),
    ])
  })

  test('they are filtered, and at most so many', async () => {
    const { url } = database
    const [some, first, none] = await Promise.all([
      cli(['resources', '--prefix', 'g', '--json'], { url }),
      cli(['resources', '--limit', '1'], { url }),
      cli(['resources', '--prefix', 'x'], { url }),
    ])
    expect(JSON.parse(some.stdout)).toMatchObject([{ resource: 'gpu', used: 6, capacity: 8 }])
    expect(first.stdout).toMatch(/^RESOURCE.*\na .*\n$/)
    expect(first.stderr).toBe('There may be more: a higher --limit shows them.\n')
    expect(none).toMatchObject({ code: 0, stdout: '' })
  })

  test('one of them: who holds it, and its line', async () => {
    const { url } = database
    const [whole, front, json] = await Promise.all([
      cli(['resources', 'gpu'], { url }),
      cli(['resources', 'a', '--limit', '1'], { url }),
      cli(['resources', 'a', '--json'], { url }),
    ])
    expect(whole).toMatchObject({ code: 0, stderr: '' })
    expect(whole.stdout.trimEnd().split('\n')).toEqual([
      'gpu: 1 running, 1 waiting, 6/8 used',
      expect.stringMatching(/^PLACE +ID +NAME +MODE +STATE +FOR +WORKER$/),
      expect.stringMatching(`^    1  ${ids.running}  hold  counted, 6  running .* north$`),
      expect.stringMatching(`^    2  ${ids.last}  hold  counted, 2  waiting \\(blocked\\) `),
    ])
    expect(front.stdout).toContain(ids.running)
    expect(front.stdout).not.toContain(ids.next)
    expect(front.stderr).toBe('Behind these: 1 more task. A higher --limit shows them.\n')
    expect(JSON.parse(json.stdout)).toEqual(JSON.parse(JSON.stringify(await tasking.line('a'))))
  })

  test('one that nobody asks for', async () => {
    const { code, stdout, stderr } = await cli(['resources', 'free'], { url: database.url })
    expect({ code, stdout, stderr }).toEqual({
      ...{ code: 0, stdout: '' },
      stderr: 'No task is in line at "free".\n',
    })
  })
})
