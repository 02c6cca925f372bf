import { createTasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { useDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { tasking as cli } from './cli-process.ts'
import { greet } from './fixtures/tasks.ts'

const database = useDatabase()

test('groups lists, shows and cancels', async () => {
  const { url } = database
  await using tasking = createTasking({ store: pgStore({ url, listen: false }) })
  const none = await cli(['groups'], { url })
  expect(none).toMatchObject({ code: 0, stdout: '', stderr: 'There are no groups.\n' })
  const group = await tasking.createGroup({ description: 'nightly' })
  await group.dispatch(greet, { name: 'Ann' })
  const { id: finalizerId } = await group.finish(greet, { name: 'Bo' })

  const [all, one, json] = await Promise.all([
    cli(['groups'], { url }),
    cli(['groups', group.id], { url }),
    cli(['groups', group.id.toUpperCase(), '--json'], { url }),
  ])
  expect(all.stdout).toMatch(new RegExp(`^${group.id} +nightly +\\S+ +no +2 waiting$`, 'm'))
  expect(one.stdout).toMatch(new RegExp(`^finalizer +${finalizerId}\\ntasks +2 waiting$`, 'm'))
  expect(JSON.parse(json.stdout)).toMatchObject({ id: group.id, counts: { waiting: 2 } })

  const canceled = await cli(['groups', group.id, '--cancel', '--reason', 'enough'], { url })
  expect(canceled).toMatchObject({ code: 0, stdout: `${group.id} closed: 2 tasks canceled\n` })
  expect(await tasking.find(finalizerId)).toMatchObject({ cancelReason: 'enough' })
})

test('groups says what is wrong with an id', async () => {
  const { url } = database
  const [unknown, wrong, which] = await Promise.all([
    cli(['groups', '01990000-0000-7000-8000-000000000000'], { url }),
    cli(['groups', 'nightly'], { url }),
    cli(['groups', '--cancel'], { url }),
  ])
  expect(unknown).toMatchObject({ code: 1 })
  expect(unknown.stderr).toMatch(/There is no group .* \[group_not_found\]/)
  expect(wrong).toMatchObject({ code: 2 })
  expect(which).toMatchObject({ code: 2 })
})
