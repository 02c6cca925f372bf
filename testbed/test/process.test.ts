import { expect, test } from 'vitest'

import { isAlive, spawnNode } from '../src/index.ts'

const talker = new URL('./programs/talker.ts', import.meta.url)

test('a process is read line by line', async () => {
  await using child = spawnNode(talker, ['one', 'two'], { env: { TALKER: 'me' } })
  expect(await child.waitForLine(/err/)).toBe('err me')
  expect(await child.waitForLine(/o$/)).toBe('out two')
  expect(await child.waitForLine(/out/g)).toBe('out one')
  expect(await child.exit).toEqual({ code: 0, signal: null })
  expect(child.lines).toHaveLength(3)
  expect(await child.waitForLine(/two/)).toBe('out two')
})

test('a wait ends with the process, and shows its output', async () => {
  await using child = spawnNode(talker, ['fail'])
  const error: unknown = await child.waitForLine(/never/).catch((reason: unknown) => reason)
  expect(String(error)).toMatch(/talker\.ts ended with code 1; no line matched \/never\//)
  expect(String(error)).toContain('  out fail\n')
  expect(String(error)).toContain('Error: as asked')
})

test('a wait has a deadline', async () => {
  await using child = spawnNode(talker, ['stay'])
  await child.waitForLine(/stay/)
  await expect(child.waitForLine(/never/, 20)).rejects.toThrow('took more than 20 ms')
})

test('a signal ends a process', async () => {
  await using child = spawnNode(talker, ['stay'])
  await child.waitForLine(/stay/)
  child.kill('SIGTERM')
  expect(await child.exit).toEqual({ code: null, signal: 'SIGTERM' })
  child.kill()
})

test('disposing ends a process', async () => {
  const child = spawnNode(talker, ['stay'])
  await child.waitForLine(/stay/)
  await child[Symbol.asyncDispose]()
  expect(await child.exit).toEqual({ code: null, signal: 'SIGKILL' })
  expect(() => process.kill(child.pid, 0)).toThrow('ESRCH')
})

test('isAlive tells a process that runs from one that has ended', async () => {
  await using child = spawnNode(talker, ['stay'])
  await child.waitForLine(/stay/)
  expect(isAlive(child.pid)).toBe(true)
  child.kill()
  await child.exit
  expect(isAlive(child.pid)).toBe(false)
})
