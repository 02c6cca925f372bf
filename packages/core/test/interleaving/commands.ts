import fc from 'fast-check'
import * as clients from './client-commands.ts'
import type { Command } from './command.ts'
import * as workers from './worker-commands.ts'

const weighted: readonly (readonly [weight: number, arbitrary: fc.Arbitrary<Command>])[] = [
  [20, clients.dispatchCommand],
  [25, workers.turnCommand],
  [16, clients.endCommand],
  [5, clients.cancelCommand],
  [6, clients.completeCommand],
  [3, clients.lookCommand],
  [2, clients.repeatedDispatchCommand],
  [1, clients.wideDispatchCommand],
  [2, clients.crashCommand],
  [2, workers.abandonCommand],
  [1, workers.deathCommand],
  [1, workers.unregisterCommand],
  [1, workers.expireCommand],
  [3, workers.housekeepCommand],
]

const step = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })))

/** A scenario: what several clients and workers do, one statement after another. */
export const scenario = fc.commands([step], { maxCommands: 48, size: 'max' })
