import { useDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { ask, begin } from '../../core/test/interleaving/acts.ts'
import type { Client } from '../../core/test/interleaving/client.ts'
import { close } from '../../core/test/interleaving/closing.ts'
import { dispatch } from '../../core/test/interleaving/statements.ts'
import { tasksOf } from '../../core/test/interleaving/tasks.ts'
import type { Draft } from '../../core/test/interleaving/tasks.ts'
import { World } from '../../core/test/interleaving/world.ts'
import { PgEngine } from './interleaving/pg-engine.ts'

const database = useDatabase()

const task = (rules: Partial<Draft> = {}): Draft => ({
  ...{ name: 'task', resources: {}, priority: 0, ...rules },
})
const exclusive = { resources: { exclusive: ['r1'] } }
const key = { dedupeKey: 'k1' }

// Once in thousands of random runs: the model has to find out that the refusal came first, since the
// twin that came after would have stood for what was refused.
test('the model finds the order of those who went on because a transaction was refused', async () => {
  await using engine = await PgEngine.open(database.directUrl, 3)
  let refusals = 0
  // Names decide in which order locks are taken, and so whether it ends in a refusal or a deadlock.
  for (let run = 0; run < 20; run += 1) {
    const world = await World.begin(engine, `run${run}:`, 0)
    const send = (client: Client | undefined, ...drafts: Draft[]) => {
      const tasks = tasksOf(drafts, world.prefix)
      world.add(tasks)
      return client && ask(world, client, dispatch(world, client, tasks))
    }
    const [plain, patient, refused] = world.clients
    if (refused) begin(world, refused, true)
    await send(refused, task(exclusive))
    await send(plain, task({ ...key, ifTwin: 'return' }), task(exclusive))
    if (patient) begin(world, patient, true)
    await send(patient, task({ ...key, ifTwin: 'replace' }), task(exclusive))
    await send(refused, task({ ...exclusive, ...key, ifTwin: 'return', ifBlocked: 'fail' }))
    if (world.story.includes('resources_busy')) refusals += 1
    await close(world)
  }
  expect(refusals).toBeGreaterThan(0)
})
