import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineTask } from '../src/definition.ts'
import { MemoryStore } from '../src/memory-store.ts'
import { createTasking } from '../src/client.ts'
import type { Tasking } from '../src/tasking.ts'
import {
  assertDispatched,
  assertNotDispatched,
  DispatchAssertionError,
} from '../src/testing/index.ts'
import type { Expectation } from '../src/testing/index.ts'

const mailInput = z.object({
  to: z.string(),
  tags: z.array(z.string()),
  at: z.date().or(z.iso.datetime()).optional(),
})
type MailInput = z.input<typeof mailInput>
const mail = defineTask({
  name: 'mail',
  input: mailInput,
  resources: ({ to }) => ({ exclusive: [`mailbox:${to}`] }),
  run: () => undefined,
})
const idle = defineTask({ name: 'idle', run: () => undefined })

let tasking: Tasking
let ids: string[]

beforeEach(async () => {
  tasking = createTasking({ store: new MemoryStore() })
  const options = { priority: 5, dedupe: 'bo', queue: 'post' }
  const sent = [
    await tasking.dispatch(mail, { to: 'ann', tags: ['a', 'b'] }),
    await tasking.dispatch(mail, { to: 'bo', tags: [], at: new Date(0) }, options),
  ]
  ids = sent.map(({ id }) => id)
})

describe('passes', () => {
  test.each<[string, Expectation<MailInput>, number[]]>([
    ['any', {}, [0, 1]],
    ['by some of the input', { input: { to: 'ann' } }, [0]],
    ['by an array', { input: { tags: ['a', 'b'] } }, [0]],
    ['by a date', { input: { at: new Date(0) } }, [1]],
    ['by options', { priority: 5, dedupe: 'bo', queue: 'post' }, [1]],
    ['by resources', { resources: { exclusive: ['mailbox:bo'] } }, [1]],
    ['by how many', { times: 2 }, [0, 1]],
  ])('%s', async (_how, expectation, found) => {
    const tasks = await assertDispatched(tasking, mail, expectation)
    expect(tasks.map(({ id }) => id)).toEqual(found.map((index) => ids[index]))
  })

  test('and none', async () => {
    await assertNotDispatched(tasking, idle)
    await assertNotDispatched(tasking, mail, { input: { to: 'cy' } })
  })
})

describe('fails', () => {
  test.each([
    [{ input: { to: 'cy' } }],
    [{ input: { tags: ['a'] } }],
    [{ input: { tags: ['b', 'a'] } }],
    [{ input: { to: 'ann' }, priority: 5 }],
    [{ resources: { shared: ['mailbox:bo'] } }],
    [{ times: 1 }],
  ])('%j', async (expectation) => {
    await expect(assertDispatched(tasking, mail, expectation)).rejects.toThrow(
      DispatchAssertionError,
    )
  })

  test('and says what was dispatched instead', async () => {
    const failure = assertDispatched(tasking, mail, { input: { to: 'cy' } })
    await expect(failure).rejects.toMatchObject({
      name: 'AssertionError',
      message: expect.stringMatching(
        /^Expected at least one dispatch of "mail" like \{"input":\{"to":"cy"\}\}, but found 0\.\nDispatched of "mail":\n {2}\{"input":\{"to":"ann",.*\n {2}\{"input":\{"to":"bo"/,
      ),
      actual: [{ input: { to: 'ann' } }, { input: { to: 'bo' }, dedupe: 'bo' }],
      expected: { input: { to: 'cy' } },
    })
  })

  test('and names the others where there is none of its name', async () => {
    await expect(assertDispatched(tasking, idle)).rejects.toThrow('Dispatched were: mail.')
    const none = createTasking({ store: new MemoryStore() })
    await expect(assertDispatched(none, idle)).rejects.toThrow('Nothing was dispatched at all.')
  })

  test('where it should not have been', async () => {
    await expect(assertNotDispatched(tasking, mail)).rejects.toThrow(
      'Expected 0 dispatch of "mail", but found 2.',
    )
  })
})
