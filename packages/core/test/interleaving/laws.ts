import { blockersOf, isFinal, reservationsOf } from '../../src/index.ts'
import type { Resources } from '../../src/index.ts'
import { agree, fail } from './agree.ts'
import type { Books, Row } from './books.ts'
import type { Observation } from './engine.ts'

/** What is committed is what the model says. */
export function expectSame(books: Books, { tasks, lines }: Observation): void {
  const found = new Map(tasks.map((task) => [task.id, task]))
  agree(found.size, books.committed.length, 'tasks that are committed')
  for (const row of books.committed) {
    const seen = found.get(row.id)
    if (seen === undefined) fail(`${row.id} is not there`)
    const { state, workerId, token, dedupeKey } = seen
    const renewed = row.tokenRenewed && (token ?? 0n) > (row.token ?? 0n)
    const wanted = { ...row, token: renewed ? token : row.token }
    agree(
      { state, workerId, token, dedupeKey },
      {
        ...{ state: wanted.state, workerId: wanted.workerId },
        ...{ token: wanted.token, dedupeKey: wanted.dedupeKey },
      },
      row.id,
    )
  }
  const places = books.committed
    .filter(({ state }) => !isFinal(state))
    .flatMap(({ id, resources }) =>
      reservationsOf(resources).map(({ resource, mode, amount }) => ({
        resource,
        id,
        mode,
        amount,
      })),
    )
  agree(sorted(lines), sorted(places), 'the lines')
}

/**
 * What must hold at every moment, of what the store has committed.
 * @param owed resources whose lines somebody still has to look at, or to sweep
 */
export function expectLawful(books: Books, owed: ReadonlySet<string>): void {
  const incomplete = books.committed
    .filter(({ state }) => !isFinal(state))
    .map((row) => ({ ...row, position: row.stored ?? row.position }))
  for (const row of incomplete) {
    const blockers = blockersOf(row, incomplete)
    if (row.unblocked && blockers.length > 0) {
      fail(`${row.id} is unblocked, but ${blockers[0]?.id} stands before it`)
    }
    const pardoned = reservationsOf(row.resources).some(({ resource }) => owed.has(resource))
    if (!row.unblocked && blockers.length === 0 && !pardoned) {
      fail(`${row.id} is free and stays blocked: nobody is to look at it`)
    }
  }
  const keys = incomplete.flatMap(({ dedupeKey }) => dedupeKey ?? [])
  agree(new Set(keys).size, keys.length, 'incomplete tasks with different keys')
  expectExclusion(incomplete.filter(({ state }) => state !== 'waiting'))
}

/** The places in line follow the order in which the model took the dispatches in. */
export function expectOrder(books: Books): void {
  const incomplete = books.committed.filter(({ state }) => !isFinal(state))
  for (const [index, a] of incomplete.entries()) {
    for (const b of incomplete.slice(index + 1)) {
      const inOrder = a.position < b.position === (a.stored ?? 0n) < (b.stored ?? 0n)
      if (!inOrder && meet(a.resources, b.resources)) {
        fail(`${a.id} and ${b.id} stand in another order than they were dispatched in`)
      }
    }
  }
}

/** Said once more, without the rule that decides who is blocked. */
function expectExclusion(running: readonly Pick<Row, 'id' | 'resources'>[]): void {
  const held = running.flatMap(({ resources }) => reservationsOf(resources))
  for (const name of new Set(held.map(({ resource }) => resource))) {
    const here = held.filter(({ resource }) => resource === name)
    const alone = here.some(({ mode }) => mode === 'exclusive')
    if (alone && here.length > 1) fail(`${here.length} tasks run with all of ${name}`)
    const counted = here.filter(({ mode }) => mode === 'counted')
    const units = counted.reduce((sum, { amount }) => sum + amount, 0)
    const capacity = Math.max(...counted.map((count) => count.capacity))
    if (counted.length > 0 && units > capacity) {
      fail(`${units} units of ${name} are in use, of ${capacity}`)
    }
  }
}

/** Whether their dispatches exclude each other, so that one comes first. */
function meet(a: Resources, b: Resources): boolean {
  const modes = new Map(reservationsOf(a).map(({ resource, mode }) => [resource, mode]))
  return reservationsOf(b).some(({ resource, mode }) => {
    const other = modes.get(resource)
    return other !== undefined && !(other === 'shared' && mode === 'shared')
  })
}

function sorted(places: Observation['lines']): string[] {
  return places
    .map(({ resource, id, mode, amount }) => `${resource} ${mode} ${amount} ${id}`)
    .toSorted()
}
