import fc from 'fast-check'
import type { TaskId } from '../../src/index.ts'
import { ask, end, interrupt } from './acts.ts'
import {
  command,
  idleClient,
  opening,
  own,
  pick,
  picked,
  rarely,
  readyClient,
  verb,
} from './command.ts'
import type { Client } from './client.ts'
import { cancel, complete, dispatch, look } from './statements.ts'
import { batchArbitrary, tasksOf, wideBatch } from './tasks.ts'

const dispatchOpening = fc.oneof(
  { weight: 9, arbitrary: opening },
  { weight: 1, arbitrary: fc.constant('with an old snapshot' as const) },
)

export const dispatchCommand = command(
  'dispatch',
  fc.record({ client: pick, how: dispatchOpening, batch: batchArbitrary }),
  (world, { client: number, how, batch }) => {
    const client = readyClient(world, number)
    return (
      client &&
      (() => {
        const tasks = tasksOf(batch, world.prefix)
        world.add(tasks)
        return own(world, client, how, () => {
          client.transaction?.batches.push(tasks)
          return dispatch(world, client, tasks)
        })
      })
    )
  },
)

/** With the same ids, as after a lost answer. Within a transaction nobody does so. */
export const repeatedDispatchCommand = command(
  'dispatch again',
  fc.record({ client: pick, batch: pick }),
  (world, { client: number, batch }) => {
    const client = idleClient(world, number)
    const open = world.clients.flatMap(({ transaction }) => transaction?.batches ?? [])
    const tasks = picked(
      world.batches.filter((one) => !open.includes(one)),
      batch,
    )
    return client && tasks && (() => ask(world, client, dispatch(world, client, tasks)))
  },
)

/** Through the gate, where it has to wait for nobody: it would wait in pieces of a tenth of a second. */
export const wideDispatchCommand = command(
  'wide dispatch',
  fc.record({ client: pick, held: fc.boolean() }),
  (world, { client: number, held }) => {
    const client = picked(world.clients, number)
    if (client === undefined || !world.clients.every(({ isIdle }) => isIdle)) return undefined
    return () => {
      const tasks = tasksOf(wideBatch, world.prefix)
      world.add(tasks)
      return verb(world, client, held, () => dispatch(world, client, tasks))
    }
  },
)

export const cancelCommand = command(
  'cancel',
  fc.record({ client: pick, how: opening, task: pick, late: rarely }),
  (world, { client: number, how, task: taskNumber, late }) => {
    const client = readyClient(world, number)
    const known: readonly { readonly id: TaskId }[] = late ? world.tasks : world.incomplete
    const task = picked(known, taskNumber)
    if (client === undefined || task === undefined || isOld(client)) return undefined
    return () => own(world, client, how, () => cancel(world, client, task.id))
  },
)

/** A handler completes its task in a transaction of its own, or tries to when it is too late. */
export const completeCommand = command(
  'complete',
  fc.record({ client: pick, worker: pick, run: pick, late: rarely }),
  (world, { client: number, worker: workerNumber, run: runNumber, late }) => {
    const client = readyClient(world, number)
    const worker = picked(
      world.workers.filter(({ runs, past }) => (late ? past : runs).length > 0),
      workerNumber,
    )
    const run = picked((late ? worker?.past : worker?.runs) ?? [], runNumber)
    if (client === undefined || worker === undefined || run === undefined || isOld(client)) {
      return undefined
    }
    return () => {
      // Said before it is sent, since without an answer it may have been carried out.
      worker.runs = worker.runs.map((one) =>
        one.id === run.id && one.fencingToken === run.fencingToken
          ? { ...one, inTransaction: true }
          : one,
      )
      return own(world, client, 'in a transaction', () => complete(world, client, worker, run))
    }
  },
)

export const lookCommand = command(
  'look',
  fc.record({ client: pick, held: fc.boolean() }),
  (world, { client: number, held }) => {
    const owing = world.clients.filter(({ isIdle, looks }) => isIdle && looks.length > 0)
    const client = picked(owing, number)
    return client && (() => verb(world, client, held, () => look(client)))
  },
)

export const endCommand = command(
  'end',
  fc.record({ client: pick, how: fc.constantFrom('commit', 'commit', 'commit', 'rollback') }),
  (world, { client: number, how }) => {
    const open = world.clients.filter(({ asked, transaction }) => !asked && transaction)
    const client = picked(open, number)
    return client && (() => end(world, client, client.transaction?.doomed ? 'rollback' : how))
  },
)

/** It vanishes: its statement is stopped, its transaction rolled back, its looks are lost. */
export const crashCommand = command('crash of a client', pick, (world, number) => {
  const busy = world.clients.filter(({ isIdle, looks }) => !isIdle || looks.length > 0)
  const client = picked(busy, number)
  return (
    client &&
    (async () => {
      world.note(`${client.name} crashes`)
      if (client.asked !== undefined) await interrupt(world, client)
      if (client.transaction !== undefined) await end(world, client, 'rollback')
      world.lose(client.looks)
      client.looks = []
    })
  )
})

function isOld({ transaction }: Client): boolean {
  return transaction?.isolation === 'repeatable read'
}
