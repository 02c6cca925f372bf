import fc from 'fast-check'
import { ask, begin } from './acts.ts'
import type { Client, Statement } from './client.ts'
import type { World } from './world.ts'

export type Command = fc.AsyncCommand<World, World>

/** Does a step; undefined where there is nothing now to do it with. */
type Act = (() => Promise<unknown>) | undefined

/**
 * A kind of step. What its parameters name by a number is chosen from what there is when it comes.
 * @param act looks only; what it returns does the step
 */
export function command<Params>(
  name: string,
  params: fc.Arbitrary<Params>,
  act: (world: World, params: Params) => Act,
): fc.Arbitrary<Command> {
  return params.map((chosen) => ({
    check: (world: Readonly<World>) => act(world as World, chosen) !== undefined,
    run: async (world: World) => void (await act(world, chosen)?.()),
    toString: () => `${name} ${JSON.stringify(chosen)}`,
  }))
}

/** Chooses from a list. */
export const pick = fc.nat({ max: 11 })

export function picked<T>(list: readonly T[], number: number): T | undefined {
  return list[number % list.length]
}

export const rarely = fc.oneof(
  { weight: 7, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
)

/** How a client goes about a statement of its own. */
export const opening = fc.constantFrom('plain', 'plain', 'in a transaction')
export type Opening = 'plain' | 'in a transaction' | 'with an old snapshot'

/** One that may go on with its transaction, or begin something. */
export function readyClient(world: World, number: number): Client | undefined {
  return picked(
    world.clients.filter(({ isReady }) => isReady),
    number,
  )
}

/** One that does nothing yet. */
export function idleClient(world: World, number: number): Client | undefined {
  return picked(
    world.clients.filter(({ isIdle }) => isIdle),
    number,
  )
}

/** Sends a statement of the client's own, in its open transaction or in a new one where wanted. */
export function own(
  world: World,
  client: Client,
  how: Opening,
  statement: () => Statement,
): Promise<void> {
  if (client.transaction === undefined && how !== 'plain' && world.engine.transactional) {
    begin(world, client, true, how === 'in a transaction' ? 'read committed' : 'repeatable read')
  }
  return ask(world, client, statement())
}

/** Sends a verb of the store; if held, its commit comes later. */
export function verb(
  world: World,
  client: Client,
  held: boolean,
  statement: () => Statement,
): Promise<void> {
  if (held && world.engine.transactional) begin(world, client, false)
  return ask(world, client, statement())
}
