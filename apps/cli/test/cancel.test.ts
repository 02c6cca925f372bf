import { createTasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { useDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { tasking as cli } from './cli-process.ts'
import { hold, orphan } from './held-lines.ts'

const database = useDatabase()

test('cancel says of a task that its clean-up comes first', async () => {
  const { url } = database
  await using tasking = createTasking({ store: pgStore({ url, listen: false }) })
  const { id } = await tasking.dispatch(hold, {})
  await orphan(tasking)
  expect(await cli(['cancel', id], { url })).toEqual({
    ...{ code: 0, stderr: '' },
    stdout: `${id} waiting: it is cleaned up after its lost worker first, and canceled then\n`,
  })
  expect(await tasking.find(id)).toMatchObject({ state: 'waiting', endsAs: 'canceled' })
})
