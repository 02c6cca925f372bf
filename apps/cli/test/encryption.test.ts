import { createTasking, encryptionKeysFrom, newEncryptionKey } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { useDatabase } from '@tasking/testbed'
import { expect, test, vi } from 'vitest'
import { tasking as cli } from './cli-process.ts'
import { login } from './fixtures/secrets.ts'

const database = useDatabase()

// It starts several processes.
vi.setConfig({ testTimeout: 60_000 })

test('a key is made, encrypts what is dispatched, and is not needed to look at it', async () => {
  const { url } = database
  const variable = (await cli(['keys', 'generate', 'k7'])).stdout.trim()
  const dispatch = ['dispatch', login.name, '{"password": "horse"}', '--tasks', './secrets.ts']
  const [dispatched, refused] = await Promise.all([
    cli(dispatch, { url, env: { TASKING_ENCRYPTION_KEYS: variable } }),
    cli(dispatch, { url }),
  ])
  expect(refused).toMatchObject({
    ...{ code: 1, stdout: '' },
    stderr: expect.stringContaining('[encryption_key_missing]'),
  })
  const id = dispatched.stdout.trim()
  const shown = await cli(['show', id], { url })
  expect(shown.stdout).toMatch(/^input +\(encrypted, key k7\)$/m)
  const encryption = { keys: encryptionKeysFrom(variable) }
  await using tasking: Tasking = createTasking({
    store: pgStore({ url, listen: false }),
    encryption,
  })
  expect(await tasking.openInput(await tasking.find(id))).toEqual({ password: 'horse' })
})

test('without a definition it says that the input is in plain text, unless all are encrypted', async () => {
  const { url } = database
  const TASKING_ENCRYPTION_KEYS = newEncryptionKey('k8')
  const dispatch = async (env: Record<string, string>, ...more: string[]) => {
    const end = await cli(['dispatch', 'hook', '{"token": "bay"}', '--force', ...more], {
      url,
      env,
    })
    expect(end).toMatchObject({ code: 0 })
    return end
  }
  const [plain, off, all] = await Promise.all([
    dispatch({ TASKING_ENCRYPTION_KEYS }),
    dispatch({ TASKING_ENCRYPTION_KEYS, TASKING_ENCRYPT_ALL: 'false' }),
    dispatch({ TASKING_ENCRYPTION_KEYS, TASKING_ENCRYPT_ALL: 'true' }),
  ])
  expect(plain.stderr).toContain('it is stored in plain text')
  expect([off.stderr, all.stderr]).toEqual(['', ''])
  const shown = async ({ stdout }: typeof plain) =>
    (await cli(['show', stdout.trim()], { url })).stdout
  expect(await shown(plain)).toContain('"bay"')
  expect(await shown(off)).toContain('"bay"')
  expect(await shown(all)).toMatch(/^input +\(encrypted, key k8\)$/m)
})

test('all without a key is refused', async () => {
  const refused = await cli(['list'], { url: database.url, env: { TASKING_ENCRYPT_ALL: 'on' } })
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('"on" is not possible without TASKING_ENCRYPTION_KEYS'),
  })
})
