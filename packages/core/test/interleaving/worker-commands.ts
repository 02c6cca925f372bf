import fc from 'fast-check'
import { command, idleClient, pick, picked, rarely, verb } from './command.ts'
import { housekeep, turn, unregister } from './statements.ts'
import type { Run, Worker } from './worker.ts'
import type { World } from './world.ts'

const turnArbitrary = fc.record({
  ...{ client: pick, worker: pick, slots: fc.nat({ max: 3 }), held: fc.boolean() },
  ends: fc.array(
    fc.record({ run: pick, state: fc.constantFrom('completed', 'completed', 'failed') }),
    { maxLength: 3 },
  ),
  withLooks: fc.boolean(),
  late: fc.option(pick, { freq: 4 }),
  answerLost: rarely,
})

export const turnCommand = command(
  'turn',
  turnArbitrary,
  (
    world,
    { client: number, worker: workerNumber, slots, held, ends, withLooks, late, answerLost },
  ) => {
    const client = idleClient(world, number)
    const worker = picked(free(world), workerNumber)
    if (client === undefined || worker === undefined) return undefined
    if (world.incomplete.length === 0 && worker.looks.length === 0) return undefined
    return () =>
      verb(world, client, held, () => {
        const ending = new Map(
          ends.flatMap(({ run: index, state }) => {
            const run = picked(worker.runs, index)
            return run ? [[run.id, { ...run, state }]] : []
          }),
        )
        const lateOne = late === null ? undefined : picked(tooLate(world, worker), late)
        const lateOnes = lateOne ? [{ ...lateOne, state: 'completed' as const, result: null }] : []
        const wish = { slots, ends: [...ending.values()], withLooks, late: lateOnes }
        const statement = turn(world, worker, wish)
        if (answerLost) worker.abandon()
        return statement
      })
  },
)

/** The worker gives up a turn that is under way; the turn itself goes on. */
export const abandonCommand = command('lose the answer', pick, (world, number) => {
  const worker = picked(
    world.workers.filter(({ turning }) => turning !== undefined),
    number,
  )
  return (
    worker &&
    (async () => {
      world.note(`${worker.name} gives up its turn`)
      worker.abandon()
    })
  )
})

/** The process is gone, and its looks with it; its turn or its handlers' transactions may go on. */
export const deathCommand = command('crash of a worker', pick, (world, number) => {
  const worker = picked(
    world.workers.filter(({ alive }) => alive),
    number,
  )
  return (
    worker &&
    (async () => {
      world.note(`${worker.name} dies`)
      world.die(worker)
    })
  )
})

export const unregisterCommand = command(
  'unregister',
  fc.record({ client: pick, worker: pick, held: fc.boolean() }),
  (world, { client: number, worker: workerNumber, held }) => {
    const client = idleClient(world, number)
    const worker = picked(free(world), workerNumber)
    if (client === undefined || worker === undefined || someoneWaits(world)) return undefined
    return () => {
      world.die(worker)
      return verb(world, client, held, () => unregister(world, client, worker))
    }
  },
)

/** A worker's heartbeat stays out for longer than its TTL: it is dead, or only paused. */
export const expireCommand = command('expire', pick, (world, number) => {
  if (someoneWaits(world)) return undefined
  const view = world.books.view('')
  const worker = picked(
    world.workers.filter(({ id }) => !view.isExpired(id) && !view.isBeingRemoved(id)),
    number,
  )
  return worker && (() => world.expire(worker.id))
})

export const housekeepCommand = command(
  'housekeep',
  fc.record({ client: pick, sweep: fc.boolean(), held: fc.boolean() }),
  (world, { client: number, sweep, held }) => {
    const client = idleClient(world, number)
    if (client === undefined || someoneWaits(world)) return undefined
    if (world.incomplete.length === 0) return undefined
    return () => verb(world, client, held, () => housekeep(world, client, sweep))
  },
)

function free(world: World): Worker[] {
  return world.workers.filter(({ alive, turning }) => alive && turning === undefined)
}

/** Then the model doesn't know what has been read or locked already. */
function someoneWaits(world: World): boolean {
  return world.clients.some(({ asked }) => asked !== undefined)
}

/** Tokens that the worker must not have anything ended with. */
function tooLate(world: World, worker: Worker): Run[] {
  const others = world.workers.filter((other) => other !== worker)
  return [...worker.past, ...others.flatMap(({ runs, past }) => [...runs, ...past])].filter(
    (run) =>
      !worker.runs.some(
        ({ id, fencingToken }) => id === run.id && fencingToken === run.fencingToken,
      ),
  )
}
