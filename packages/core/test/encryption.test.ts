import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { encryptionKeyOf } from '../src/cipher.ts'
import { defineTask } from '../src/definition.ts'
import { encryptionKeysFrom, newEncryptionKey } from '../src/encryption-key.ts'
import type { EncryptionKey, EncryptionOptions } from '../src/encryption-key.ts'
import { fireDueSchedules } from '../src/due-schedules.ts'
import { MemoryStore } from '../src/memory-store.ts'
import { batchEntry } from '../src/batch.ts'
import { createTasking } from '../src/client.ts'
import { assertDispatched, HandClock } from '../src/testing/index.ts'

const [k1, k2] = ['k1', 'k2'].flatMap((id) => encryptionKeysFrom(newEncryptionKey(id)))
const keys = [k1, k2] as readonly [EncryptionKey, EncryptionKey]

const login = defineTask({
  name: 'login',
  encrypted: true,
  input: z.object({ user: z.string(), password: z.string() }),
  resources: ({ user }) => ({ exclusive: [`user:${user}`] }),
  run: () => undefined,
})
const plain = defineTask({ name: 'plain', run: (_input: { text: string }) => undefined })
const secret = { user: 'ann', password: 'ä"\\'.repeat(10_000) }

const clock = new HandClock()
const store = new MemoryStore({ clock })
const withKeys = (...own: readonly EncryptionKey[]) =>
  createTasking({ store, clock, encryption: { keys: own } })

describe('an encrypted input', () => {
  test('is stored unreadable, and opened with the key', async () => {
    const tasking = withKeys(keys[0])
    const task = await (await tasking.dispatch(login, secret)).load()
    // Too long to be there by chance.
    expect(JSON.stringify(task.input)).not.toContain('password')
    expect(encryptionKeyOf(task.input)).toBe('k1')
    expect(task.resources.exclusive).toEqual(['user:ann'])
    expect(await tasking.openInput(task)).toEqual(secret)
  })

  test('is another each time', async () => {
    const tasking = withKeys(keys[0])
    const entry = batchEntry(login, { user: 'ann', password: 'x' })
    const handles = await tasking.dispatchBatch([entry, entry])
    const [a, b] = await Promise.all(handles.map((handle) => handle.load()))
    expect(a?.input).not.toEqual(b?.input)
    expect([a && (await tasking.openInput(a))]).toEqual([{ user: 'ann', password: 'x' }])
  })

  test('is opened by any of the keys after a rotation', async () => {
    const task = await (await withKeys(keys[0]).dispatch(login, secret)).load()
    const rotated = withKeys(keys[1], keys[0])
    expect(await rotated.openInput(task)).toEqual(secret)
    const next = await (await rotated.dispatch(login, secret)).load()
    expect(encryptionKeyOf(next.input)).toBe('k2')
    await expect(withKeys(keys[0]).openInput(next)).rejects.toMatchObject({
      ...{ code: 'encryption_key_missing', keyId: 'k2' },
    })
  })

  test('of another task, or changed, does not open', async () => {
    const tasking = withKeys(keys[0])
    const [a, b] = await Promise.all(
      ['a', 'b'].map(async (user) => (await tasking.dispatch(login, { ...secret, user })).load()),
    )
    if (a === undefined || b === undefined) throw new Error('two tasks')
    const failed = { code: 'decryption_failed' }
    await expect(tasking.openInput({ ...a, input: b.input })).rejects.toMatchObject(failed)
    await expect(tasking.openInput({ ...a, name: 'plain' })).rejects.toMatchObject(failed)
    const text = JSON.stringify(a.input)
    const input = JSON.parse(text.replace(/"data":"./, '"data":"!')) as typeof a.input
    await expect(tasking.openInput({ ...a, input })).rejects.toMatchObject(failed)
  })

  test('of a schedule opens in each of its tasks, and in no other', async () => {
    const tasking = withKeys(keys[0])
    await tasking.schedules.set({ name: 'nightly', task: login, input: secret, every: '1h' })
    const { task: kept } = await tasking.schedules.find('nightly')
    expect(encryptionKeyOf(kept.input)).toBe('k1')
    clock.move('1h')
    await fireDueSchedules(store)
    const { lastTaskId } = await tasking.schedules.find('nightly')
    const fired = await tasking.find(lastTaskId ?? '')
    expect(await tasking.openInput(fired)).toEqual(secret)
    const { options: _options, ...other } = fired
    await expect(tasking.openInput(other)).rejects.toMatchObject({ code: 'decryption_failed' })
  })

  test('is what an assertion compares', async () => {
    const tasking = createTasking({ store: new MemoryStore(), encryption: { keys } })
    await tasking.dispatch(login, secret)
    await assertDispatched(tasking, login, { input: { user: 'ann' } })
  })
})

describe('which inputs are encrypted', () => {
  test('those of definitions that say so, or all', async () => {
    const task = await (await withKeys(keys[0]).dispatch(plain, { text: 'hello' })).load()
    expect(task.input).toEqual({ text: 'hello' })
    const all = createTasking({ store, encryption: { keys, all: true } })
    const sealed = await (await all.dispatch(plain, { text: 'hello' })).load()
    expect(encryptionKeyOf(sealed.input)).toBe('k1')
  })

  test('without a key, such a task is not dispatched', async () => {
    const tasking = createTasking({ store })
    expect([tasking.canRun(login), tasking.canRun(plain)]).toEqual([false, true])
    await expect(tasking.dispatch(login, secret)).rejects.toMatchObject({
      ...{ code: 'encryption_key_missing', keyId: undefined },
    })
    const entry = batchEntry(login, secret)
    await expect(tasking.dispatchBatch([entry])).rejects.toMatchObject({
      ...{ code: 'encryption_key_missing', index: 0 },
    })
  })

  test('what only looks encrypted is refused', async () => {
    const look = defineTask({ name: 'look', run: (_input: object) => undefined })
    const input = { $encrypted: { key: 'k', iv: '', data: '' } }
    await expect(createTasking({ store }).dispatch(look, input)).rejects.toMatchObject({
      code: 'not_json',
    })
  })
})

describe('keys', () => {
  const good = keys[0]

  test('come from a variable, the first one first', () => {
    const text = [newEncryptionKey('b'), newEncryptionKey('a')].join(' , ')
    expect(encryptionKeysFrom(text).map(({ id }) => id)).toEqual(['b', 'a'])
  })

  test.each<[string, EncryptionOptions]>([
    ['encryption.keys', { keys: [] }],
    ['encryption.keys[0].id', { keys: [{ ...good, id: '' }] }],
    ['encryption.keys[0].id', { keys: [{ ...good, id: 'a:b' }] }],
    ['encryption.keys[1].id', { keys: [good, good] }],
    ['encryption.keys[0].key', { keys: [{ id: 'a', key: 'tooShort' }] }],
    ['encryption.keys[0].key', { keys: [{ id: 'a', key: 'no base64!' }] }],
    ['encryption.keys[0].key', { keys: [{ id: 'a', key: new Uint8Array(16) }] }],
  ])('%s is checked', (option, encryption) => {
    const create = () => createTasking({ store, encryption })
    expect(create).toThrow(expect.objectContaining({ code: 'invalid_option', option }))
  })

  test('never show in an error', () => {
    const { key } = good
    expect(() => encryptionKeysFrom(`${String(key)}`)).toThrow(/\(not shown\)/)
    expect(() => encryptionKeysFrom(`a:${String(key)}x!`)).toThrow(/\(not shown\)/)
  })
})
