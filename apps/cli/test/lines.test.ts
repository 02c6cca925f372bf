import { describe, expect, test } from 'vitest'
import { parseLine } from '../src/dispatch/line-task.ts'
import { linesOf } from '../src/dispatch/lines.ts'

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  for (const byte of Buffer.from(text)) yield Uint8Array.of(byte)
}

async function read(source: AsyncIterable<Uint8Array>, mostBytes = 100) {
  const lines = []
  for await (const line of linesOf(source, mostBytes)) {
    lines.push([line.number, Buffer.from(line.bytes).toString(), line.endOffset])
  }
  return lines
}

describe('lines', () => {
  test('are whole, wherever the chunks end', async () => {
    const text = 'one\n\nthree, ä\nlast'
    const whole = [
      [1, 'one', 4],
      [2, '', 5],
      [3, 'three, ä', 15],
      [4, 'last', 19],
    ]
    expect(await read(chunks(text))).toEqual(whole)
    expect(await read(bytes(text))).toEqual(whole)
    expect(await read(chunks('one\n\nthr', '', 'ee, ä\n', 'last'))).toEqual(whole)
  })

  test('end with the file, or with its last newline', async () => {
    expect(await read(chunks())).toEqual([])
    expect(await read(chunks('a\n'))).toEqual([[1, 'a', 2]])
  })

  test('that are too long end the reading before they fill the memory', async () => {
    let given = 0
    async function* endless() {
      for (;;) {
        given += 1
        yield Buffer.alloc(10, 'x')
      }
    }
    const [[number, text] = []] = await read(endless(), 35)
    expect([number, String(text).length, given]).toEqual([1, 40, 4])
  })
})

describe('a line', () => {
  const problemIn = (text: string | Uint8Array) => {
    try {
      return parseLine(Buffer.from(text))
    } catch (error) {
      return String(error)
    }
  }

  test('may be blank', () => {
    expect(problemIn(' \t\r')).toBeUndefined()
  })

  test('names a task and what it needs', () => {
    expect(problemIn('{"name": "a"}')).toEqual({
      ...{ name: 'a', input: undefined, resources: {}, settings: {} },
    })
    expect(
      problemIn('{"name":"a","input":0,"exclusive":["x"],"shared":[],"queue":"q","priority":-1}'),
    ).toEqual({
      ...{ name: 'a', input: 0, resources: { exclusive: ['x'], shared: [] } },
      settings: { queue: 'q', priority: -1 },
    })
  })

  test('counts, and says what to do about twins and blockers', () => {
    const counted = [
      { resource: 'gpu', amount: 2, capacity: 8 },
      { resource: 'seat', capacity: 3 },
    ]
    const settings = { dedupe: 'key', ifTwin: 'replace', ifBlocked: 'fail' }
    expect(problemIn(JSON.stringify({ name: 'a', counted, ...settings }))).toEqual({
      ...{ name: 'a', input: undefined, resources: { counted }, settings },
    })
  })

  test.for<[string | Uint8Array, string]>([
    ['{"name": "a"', 'it is not JSON: '],
    [Uint8Array.of(0x22, 0xff, 0x22), 'it is not UTF-8'],
    ['["a"]', 'it must be an object'],
    ['{"input": 1}', '"name" is missing'],
    ['{"name": ""}', '"name" must be a text'],
    ['{"name": 1}', '"name" must be a text'],
    ['{"name": "a", "exclusive": "x"}', '"exclusive" must be an array of names'],
    ['{"name": "a", "shared": [1]}', '"shared" must be an array of names'],
    ['{"name": "a", "queue": null}', '"queue" must be a text'],
    ['{"name": "a", "priority": "1"}', '"priority" must be a whole number'],
    ['{"name": "a", "counted": {"gpu": 1}}', '"counted" must be an array such as [{"resource"'],
    ['{"name": "a", "counted": ["gpu"]}', '"counted" must be an array such as [{"resource"'],
    ['{"name": "a", "counted": [{"capacity": 8}]}', '"resource" must be a text'],
    ['{"name": "a", "counted": [{"resource": "gpu"}]}', '"capacity" must be a whole number'],
    [
      '{"name": "a", "counted": [{"resource": "gpu", "count": 2, "capacity": 8}]}',
      'unknown key "count" (there are: resource, amount, capacity)',
    ],
    ['{"name": "a", "dedupe": {"key": "k"}}', '"dedupe" must be a text'],
    ['{"name": "a", "ifTwin": "skip"}', '"ifTwin" goes with "dedupe"'],
    ['{"name": "a", "dedupe": "k", "ifTwin": "keep"}', 'must be one of return, skip, replace'],
    ['{"name": "a", "ifBlocked": true}', '"ifBlocked" must be one of wait, skip, fail'],
    ['{"name": "a", "inptu": 1}', 'unknown key "inptu" (there are: name, input'],
    ['{"name": "a", "__proto__": {}}', 'unknown key "__proto__"'],
  ])('says what is wrong with it: %s', ([text, problem]) => {
    expect(problemIn(text)).toContain(problem)
  })
})
