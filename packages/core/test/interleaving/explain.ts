import { fail } from './agree.ts'
import type { Books } from './books.ts'
import type { Client } from './client.ts'
import type { Observation } from './engine.ts'
import { expectOrder, expectSame } from './laws.ts'
import type { World } from './world.ts'

/**
 * Finds an order in which the model gives the same answers to the statements that were answered,
 * and ends with what is committed. Mostly there is one statement; several are answered together
 * where they waited for the same client.
 */
export async function explain(world: World, answered: readonly Client[]): Promise<void> {
  for (const { name, asked } of answered) world.note(`  ${name} ${asked?.reply?.text}`)
  let seen: Observation | undefined
  const failures: string[] = []
  // Whoever keeps its locks has come after those who are done, and who was refused is done.
  const likely = answered.toSorted((a, b) => Number(keepsLocks(a)) - Number(keepsLocks(b)))
  for (const order of ordersOf(likely)) {
    const books = world.books.copy()
    try {
      for (const client of order) judge(world, books, client, answered)
      if (!books.isSeen) {
        seen ??= await world.engine.observe(
          world.tasks.map(({ id }) => id),
          world.resources,
        )
        expectSame(books, seen)
        books.learn(seen)
        expectOrder(books)
      }
      world.books = books
      return
    } catch (error) {
      const names = order.map(({ name }) => name).join(', ')
      const what = error instanceof Error ? error.message : String(error)
      failures.push(answered.length > 1 ? `in the order ${names}: ${what}` : what)
    }
  }
  fail(failures.join('\n'))
}

function keepsLocks({ asked, transaction }: Client): boolean {
  return transaction !== undefined && asked?.reply?.refused === undefined
}

function judge(world: World, books: Books, client: Client, answered: readonly Client[]): void {
  const { asked, transaction, name } = client
  if (asked?.reply === undefined) return
  const others = world.clients.filter((other) => other !== client)
  asked.reply.judge(books.view(name), {
    isolation: transaction?.isolation ?? 'read committed',
    waited: asked.waited || answered.length > 1,
    inTransaction: transaction !== undefined,
    maybeLocked: new Set(others.flatMap((other) => other.asked?.statement.reach().rows ?? [])),
  })
  if (asked.reply.refused !== undefined) books.drop(name)
  else if (transaction === undefined) books.commit(name)
}

function ordersOf<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]]
  return list.flatMap((first, index) =>
    ordersOf(list.toSpliced(index, 1)).map((rest) => [first, ...rest]),
  )
}
