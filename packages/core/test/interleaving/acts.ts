import { isFinal } from '../../src/index.ts'
import { fail } from './agree.ts'
import type { Asked, Client, Statement } from './client.ts'
import type { Isolation } from './engine.ts'
import { expectLawful } from './laws.ts'
import { mayWaitFor, noReach, releaseLines } from './reach.ts'
import type { Reach } from './reach.ts'
import { explain } from './explain.ts'
import type { World } from './world.ts'

/** The client opens a transaction: for statements of its own, or to hold one's commit back. */
export function begin(
  world: World,
  client: Client,
  isCallers: boolean,
  isolation: Isolation = 'read committed',
): void {
  world.note(`${client.name} begins${isolation === 'repeatable read' ? ` ${isolation}` : ''}`)
  client.session.begin(isolation)
  client.transaction = { isolation, isCallers, doomed: false, batches: [], done: [] }
}

/** The client sends a statement. When this resolves, it has been answered or waits. */
export async function ask(world: World, client: Client, statement: Statement): Promise<void> {
  world.note(`${client.name} ${statement.text}`)
  const answer = statement.ask(client.session).then((reply) => {
    if (client.asked !== undefined) client.asked.reply = reply
  })
  // Whoever waits for it hears of its failure.
  answer.catch(() => undefined)
  client.asked = { statement, answer, reach: statement.reach(), waited: false }
  await settle(world, hasReasonToWait(world, client))
}

/** The client's transaction ends. */
export async function end(world: World, client: Client, how: 'commit' | 'rollback'): Promise<void> {
  world.note(`${client.name} ${how === 'commit' ? 'commits' : 'rolls back'}`)
  const done = client.transaction?.done ?? []
  client.transaction = undefined
  if (how === 'commit') {
    await client.session.commit()
    world.books.commit(client.name)
    for (const { reply } of done) reply.done()
  } else {
    await client.session.rollback()
    world.books.drop(client.name)
    for (const { statement } of done) statement.undone()
  }
  await settle(world, true)
}

/** The statement that the client waits for is stopped. */
export async function interrupt(world: World, client: Client): Promise<void> {
  await client.session.interrupt()
  await settle(world, false)
}

/** Takes in what has been answered, and checks what is committed and who waits. */
async function settle(world: World, eager: boolean): Promise<void> {
  const { waits, cycle } = await world.engine.rest(eager)
  const moving = world.clients.filter(({ name }) => !waits.has(name))
  await Promise.all(moving.flatMap(({ asked }) => (asked === undefined ? [] : [asked.answer])))
  const answered = world.clients.filter(({ asked }) => asked?.reply !== undefined)
  await explain(world, answered)
  if (answered.some(({ asked }) => asked?.reply?.refused?.code === 'deadlock')) {
    expectTwoThings(world, cycle)
  }
  let released = false
  for (const client of answered) released = (await take(client)) || released
  expectLawful(world.books, world.owed)
  if (released) return settle(world, true)
  for (const client of world.clients) {
    const { asked, name } = client
    if (asked === undefined) continue
    if (!asked.waited) world.note(`  ${name} waits for ${waits.get(name)?.join()}`)
    asked.waited = true
    if (!hasReasonToWait(world, client)) fail(`${name} waits and has no reason to`)
  }
}

/** Single statements take their locks in one order, so one of them can't form a cycle alone. */
function expectTwoThings(world: World, cycle: ReadonlySet<string>): void {
  // It may be over before anybody has seen it.
  const suspects = world.clients.filter(({ name }) => cycle.size === 0 || cycle.has(name))
  if (suspects.every(({ things }) => things < 2)) fail('a lock cycle of single statements')
}

/** @returns whether that ended a transaction */
async function take(client: Client): Promise<boolean> {
  const { asked, transaction } = client
  const { reply, statement } = asked ?? {}
  if (reply === undefined || statement === undefined) return false
  const { refused } = reply
  client.asked = undefined
  if (refused === undefined && transaction === undefined) reply.done()
  else if (refused === undefined)
    transaction?.done.push({ statement, reply, reaches: reachesOf(asked) })
  if (refused === undefined) return false
  statement.undone(refused)
  if (transaction === undefined) return false
  // PostgreSQL has taken everything back already, and waits to be told.
  for (const one of transaction.done) one.statement.undone()
  client.transaction = undefined
  await client.session.rollback()
  return true
}

function hasReasonToWait(world: World, client: Client): boolean {
  const { asked } = client
  if (asked === undefined) return false
  const blocked = new Set(
    world.books.committed
      .filter(({ state, unblocked }) => !isFinal(state) && !unblocked)
      .map(({ id }) => id),
  )
  return world.clients
    .filter((other) => other !== client)
    .flatMap((other) => reachOf(world, other))
    .some((its) => reachesOf(asked).some((mine) => mayWaitFor(mine, its, blocked)))
}

/** What it names may have changed while it waited; a row that was waited for is locked, even so. */
function reachesOf(asked: Asked | undefined): Reach[] {
  return asked === undefined ? [] : [asked.reach, asked.statement.reach()]
}

/** All that a client may hold. */
function reachOf(world: World, { transaction, asked, name }: Client): Reach[] {
  const changed = world.books.changedBy(name)
  const released = changed.filter(({ state }) => isFinal(state))
  const locked = {
    ...noReach,
    tried: releaseLines(released.map(({ resources }) => resources)),
    held: [...changed.map(({ id }) => id), ...world.books.removedBy(name)],
  }
  return [
    locked,
    ...reachesOf(asked),
    ...(transaction?.done ?? []).flatMap(({ reaches }) => reaches),
  ]
}
