import { bold, green, red } from 'yoctocolors'
import type { BlockingLink, Explanation, LinePlace, Task, WorkerRecord } from '@tasking/core'
import { claimText } from './claim-text.ts'
import { count } from './count.ts'
import { doingText, modeText, nameText, workerText } from './line-text.ts'
import { printable } from './printable.ts'
import { ageText, dueText, paintState, stateText } from './task-text.ts'

/** What an explanation is told with. */
export interface Surroundings {
  readonly now: Date
  readonly workers: readonly WorkerRecord[]
  /** Why the last task of the chain is where it is. */
  readonly rootCause: Explanation | undefined
}

const mostPlaces = 20
const mostHolders = 3
const mostLinks = 12

/** Why a task is where it is: what it does, its places in line, and what it really waits for. */
export function explanationText(explanation: Explanation, surroundings: Surroundings): string {
  const { task, places } = explanation
  return [
    stateLine(task, surroundings),
    ...placesText(places, task, surroundings),
    ...cause(explanation, surroundings),
  ].join('\n')
}

function stateLine(task: Task, { now, workers }: Surroundings): string {
  const { state, startedAt, finishedAt, dispatchedAt, runAt, error } = task
  const name = `${bold(printable(task.name))} ${task.id}`
  const what = paintState(stateText(task), task)
  if (finishedAt !== null) {
    const why = error === null ? '' : `: ${printable(error.message)}`
    return `${name}\n${what} ${ageText(finishedAt, now)} ago${why}`
  }
  if (state === 'scheduled' && runAt !== null) return `${name}\n${what}, ${dueText(runAt, now)}`
  const since = `for ${ageText(startedAt ?? dispatchedAt, now)}`
  if (state !== 'running' && state !== 'canceling') return `${name}\n${what} ${since}`
  return `${name}\n${what} ${since} on ${workerText(task, workers)}`
}

function placesText(
  places: readonly LinePlace[],
  task: Task,
  surroundings: Surroundings,
): readonly string[] {
  // What holds it up comes first.
  const sorted = places.toSorted((a, b) => Number(b.blocked) - Number(a.blocked))
  const shown = sorted.slice(0, mostPlaces)
  const hidden = sorted.slice(mostPlaces)
  const blocked = hidden.filter((place) => place.blocked).length
  return [
    ...shown.flatMap((place) => ['', ...placeText(place, task, surroundings)]),
    ...(hidden.length > 0
      ? ['', `… and ${count(hidden.length, 'more resource')}, ${count(blocked)} of them blocked`]
      : []),
  ]
}

function placeText(place: LinePlace, task: Task, { now, workers }: Surroundings): string[] {
  const { resource, holding, holders, before, blocked } = place
  const lines = [
    [
      `${bold(printable(resource))}  ${modeText(place)}`,
      `place ${count(place.place)} in line`,
      blocked ? red('blocked') : green('unblocked'),
    ].join(', '),
  ]
  const others = holders.filter(({ id }) => id !== task.id)
  const shown = others.slice(0, mostHolders)
  const own = holders.length - others.length
  if (holding === own) lines.push(`  held by  ${own > 0 ? 'this task alone' : 'nobody'}`)
  for (const holder of shown) {
    lines.push(
      `  held by  ${nameText(holder)}  ${modeText(holder)}, ${doingText(holder, now, workers)}`,
    )
  }
  const rest = holding - own - shown.length
  if (rest > 0) lines.push(`           and ${count(rest, 'more task')}`)
  if (before !== null) {
    const what = `${modeText(before)}, ${doingText(before, now, workers)}`
    lines.push(`  before   ${nameText(before)}  ${what}`)
  }
  return lines
}

function cause(explanation: Explanation, surroundings: Surroundings): readonly string[] {
  const { task, chain } = explanation
  if (task.state !== 'waiting') return []
  if (chain.length > 0) return ['', 'It waits for', ...chainText(chain, surroundings)]
  if (task.endsAs !== null) return ['', ...orphanText(explanation, surroundings)]
  if (task.unblockedAt !== null) {
    return ['', `It waits for a worker: ${claimText(explanation, surroundings.workers)}.`]
  }
  return ['', 'Nothing holds it up any more: it is about to be unblocked.']
}

function orphanText(explanation: Explanation, { workers }: Surroundings): readonly string[] {
  const { error, endsAs } = explanation.task
  return [
    ...(error === null ? [] : [printable(error.message)]),
    `It waits for a worker to clean up what it has left, and is ${endsAs} then: ${claimText(explanation, workers)}.`,
  ]
}

function chainText(chain: readonly BlockingLink[], surroundings: Surroundings): readonly string[] {
  const last = chain.length - 1
  const half = mostLinks / 2
  const lines = chain.map((link, index) => {
    const { now, workers } = surroundings
    const doing = index === last ? rootText(link, surroundings) : doingText(link.task, now, workers)
    return `→ ${nameText(link.task)} at ${printable(link.resource)}: ${doing}`
  })
  const between = `… ${count(chain.length - mostLinks, 'task')} between`
  const shown =
    chain.length > mostLinks ? [...lines.slice(0, half), between, ...lines.slice(-half)] : lines
  return shown.map((line, depth) => `${'  '.repeat(depth)}${line}`)
}

// What it really waits for: whoever runs, or waits for a worker.
function rootText({ task }: BlockingLink, { now, workers, rootCause }: Surroundings): string {
  if (task.state !== 'waiting' || rootCause === undefined) return doingText(task, now, workers)
  const { state, unblockedAt } = rootCause.task
  const doing = doingText(task, now, workers)
  if (state !== 'waiting') return `${doing}; by now ${state}`
  if (unblockedAt !== null) {
    return `waits for a worker for ${ageText(unblockedAt, now)}: ${claimText(rootCause, workers)}`
  }
  return `${doing}; ${rootCause.chain.length > 0 ? 'and so on' : 'about to be unblocked'}`
}
