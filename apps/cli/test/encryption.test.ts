import { createTasking, encryptionKeysFrom } from '@tasking/core'
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
