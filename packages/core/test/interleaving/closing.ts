import { isFinal } from '../../src/index.ts'
import { agree, fail } from './agree.ts'
import { ask, end } from './acts.ts'
import type { Client } from './client.ts'
import { housekeep, look, turn } from './statements.ts'
import type { Worker } from './worker.ts'
import type { World } from './world.ts'

const mostRounds = 20

/**
 * The end of a run: transactions are ended and looks are sent until none is left; then exactly the
 * free tasks are unblocked. With that, every task comes to its end.
 */
export async function close(world: World): Promise<void> {
  world.note('— the end —')
  await endTransactions(world)
  await payDebts(world)
  await sweepAfterTheDead(world)
  await drain(world)
}

async function endTransactions(world: World): Promise<void> {
  for (;;) {
    const client = world.clients.find(({ asked, transaction }) => !asked && transaction)
    if (client === undefined) break
    await end(world, client, client.transaction?.doomed ? 'rollback' : 'commit')
  }
  const waiting = world.clients.find(({ asked }) => asked !== undefined)
  if (waiting !== undefined) fail(`${waiting.name} waits, though nobody is left`)
}

/** Whoever lives looks at what it has to look at, and tells of what it has completed. */
async function payDebts(world: World): Promise<void> {
  for (let round = 0; round < mostRounds; round += 1) {
    const owing = world.clients.filter(({ looks }) => looks.length > 0)
    compare(world)
    const workers = world.workers.filter(isOwing)
    if (owing.length === 0 && workers.length === 0) return
    for (const client of owing) await ask(world, client, look(client))
    for (const worker of workers)
      await turnOf(world, worker, 0, ({ inTransaction }) => inTransaction)
  }
  fail('the looks never end')
}

function compare(world: World): void {
  for (const worker of world.workers) worker.compare(world.ownedBy(worker.id).length)
}

function isOwing({ alive, looks, answerLost, runs, outbox }: Worker): boolean {
  const completed = [...runs, ...outbox].some(({ inTransaction }) => inTransaction)
  return alive && (looks.length > 0 || answerLost || completed)
}

/** Only what died with somebody needs a sweep. */
async function sweepAfterTheDead(world: World): Promise<void> {
  const { registered } = world
  // Whoever was paused for too long is told so, if it says one more word.
  for (const worker of world.workers) if (world.isExpired(worker)) world.die(worker)
  const dead = world.workers.filter(({ alive }) => !alive)
  for (const { id } of dead) if (registered.includes(id)) await world.expire(id)
  if (dead.length + world.lost.size > 0) {
    await ask(world, idle(world), housekeep(world, idle(world), world.lost.size > 0))
  }
  await payDebts(world)
  agree([...world.owed], [], 'what is still owed')
}

async function drain(world: World): Promise<void> {
  for (let round = 0; round < mostRounds; round += 1) {
    if (world.books.committed.every(({ state }) => isFinal(state))) return
    compare(world)
    const busy = world.workers.filter(
      (worker) =>
        worker.alive && (isOwing(worker) || worker.runs.length + worker.outbox.length > 0),
    )
    for (const worker of busy) await turnOf(world, worker, 0, () => true)
    await turnOf(world, world.closer, 50, () => true)
  }
  fail('some tasks never end')
}

async function turnOf(
  world: World,
  worker: Worker,
  slots: number,
  ends: (run: Worker['runs'][number]) => boolean | undefined,
): Promise<void> {
  const ended = worker.runs.filter(ends).map((run) => ({ ...run, state: 'completed' as const }))
  const wish = { slots, ends: ended, withLooks: true, late: [] }
  await ask(world, idle(world), turn(world, worker, wish))
}

function idle(world: World): Client {
  const client = world.clients.find(({ isIdle }) => isIdle)
  return client ?? fail('no client is idle')
}
