import { expect, test } from 'vitest'

import { eventually } from '../src/index.ts'

test('gives the first truthy value', async () => {
  const values = [undefined, false, 0, 'there', 'late']
  expect(await eventually(() => values.shift(), { what: 'a value' })).toBe('there')
})

test('goes on after an error', async () => {
  let attempts = 0
  const check = async (): Promise<number> => {
    attempts += 1
    if (attempts < 3) throw new Error('not yet')
    return attempts
  }
  expect(await eventually(check, { what: 'a third attempt' })).toBe(3)
})

test('names what never came, and why', async () => {
  const never = eventually(() => false, { what: 'godot', timeout: 30 })
  await expect(never).rejects.toThrow('Waited 30 ms in vain for godot')

  const cause = new Error('no such table')
  const broken = (): never => {
    throw cause
  }
  await expect(eventually(broken, { what: 'rows', timeout: 30 })).rejects.toMatchObject({
    message: 'Waited 30 ms in vain for rows: Error: no such table',
    cause,
  })
})
