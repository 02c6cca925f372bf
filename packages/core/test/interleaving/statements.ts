import { reservationsOf } from '../../src/index.ts'
import type { Look, NewTask, TaskId } from '../../src/index.ts'
import { fail } from './agree.ts'
import { statement } from './client.ts'
import type { Client, Statement } from './client.ts'
import { Refused } from './engine.ts'
import { hasAny, isConditional, judgeDispatch } from './judge-dispatch.ts'
import { judgeCancel, judgeComplete, judgeHousekeeping, judgeUnregister } from './judge-ends.ts'
import { judgeTurn } from './judge-turn.ts'
import { dispatchLines, noReach, releaseLines } from './reach.ts'
import type { Run, Wish, Worker } from './worker.ts'
import type { World } from './world.ts'

export function dispatch(world: World, client: Client, tasks: readonly NewTask[]): Statement {
  const isOld = client.transaction?.isolation === 'repeatable read'
  return statement({
    text: `dispatches ${tasks.map(textOf).join(', ')}`,
    things: tasks.some(isConditional) ? tasks.length : 1,
    reach: () => {
      const keys = tasks.flatMap(({ ifTwin, dedupeKey }) =>
        ifTwin === 'replace' && dedupeKey !== undefined ? [dedupeKey] : [],
      )
      const twins = world.rowsWithKeys(keys)
      return {
        wanted: dispatchLines(tasks),
        tried: releaseLines(twins.map(({ resources }) => resources)),
        rows: [...tasks, ...twins].map(({ id }) => id),
        held: [],
        unblocks: twins.length > 0,
      }
    },
    send: (session) => session.dispatch(tasks),
    judge: (view, answer, circumstances) =>
      judgeDispatch(
        view,
        tasks,
        answer instanceof Refused ? answer : answer.dispatched,
        circumstances,
      ),
    tell: ({ dispatched, looks }) =>
      dispatched
        .map(({ id, state, blocked }) => `${id} ${blocked ? 'blocked' : state}`)
        .join(', ') + textOfLooks(looks),
    done: ({ looks }) => {
      client.looks = [...client.looks, ...looks]
      // It could not see who stands before it.
      if (isOld)
        world.lose(tasks.filter(hasAny).flatMap(({ resources }) => reservationsOf(resources)))
    },
  })
}

export function turn(world: World, worker: Worker, wish: Wish): Statement {
  const turned = worker.turn(wish)
  const { completions, looks, known } = turned
  const ends = completions.map(({ id, state, inTransaction, fencingToken }) =>
    [`${id}#${fencingToken}`, state, inTransaction && 'in transaction'].filter(Boolean).join(' '),
  )
  return statement({
    text: [
      `turn of ${worker.name} for ${wish.slots}`,
      ...ends,
      known && `knowing [${known.join()}]`,
      textOfLooks(looks),
    ]
      .filter(Boolean)
      .join(', '),
    reach: () => {
      const own = world.rows(completions.map(({ id }) => id))
      const forgotten = known === undefined ? [] : world.ownedBy(worker.id, known)
      const inFlight = looks.filter((look) => look.inFlight)
      return {
        wanted: [],
        tried: releaseLines(
          own.map(({ resources }) => resources),
          inFlight,
        ),
        rows: forgotten,
        held: completions.map(({ id }) => id),
        unblocks: completions.length + looks.length > 0,
      }
    },
    send: (session) => session.turn(turned),
    judge: (view, answer, circumstances) => judgeTurn(view, turned, answer, circumstances),
    tell: (result) =>
      [
        `claimed ${result.claimed.map(({ id, fencingToken }) => `${id}#${fencingToken}`).join(' ')}`,
        `refused ${result.refused.join(' ')}`,
        `unsettled ${result.unsettled.join(' ')}`,
        `canceling ${result.canceling.map(({ id }) => id).join(' ')}`,
      ]
        .filter((part) => !part.endsWith(' '))
        .join(', ') + textOfLooks(result.looks),
    done: (result) => {
      if (worker.turning !== turned) world.lose(result.looks)
      worker.answered(turned, result)
    },
    undone: (refused) => {
      if (refused?.code === 'worker_missing') world.die(worker)
      else if (worker.turning === turned) worker.abandon()
    },
  })
}

export function cancel(world: World, client: Client, id: TaskId): Statement {
  return statement({
    text: `cancels ${id}`,
    reach: () => ({
      ...noReach,
      tried: releaseLines(world.rows([id]).map(({ resources }) => resources)),
      rows: [id],
      unblocks: true,
    }),
    send: (session) => session.cancel(id),
    judge: (view, answer) => judgeCancel(view, id, granted(answer).found),
    tell: ({ found, looks }) => `${found}${textOfLooks(looks)}`,
    done: ({ looks }) => void (client.looks = [...client.looks, ...looks]),
  })
}

export function complete(world: World, client: Client, worker: Worker, run: Run): Statement {
  const { id, fencingToken } = run
  const completion = { id, fencingToken, workerId: worker.id, result: null }
  return statement({
    text: `completes ${id}#${fencingToken} for ${worker.name}`,
    reach: () => ({ ...noReach, rows: [id] }),
    send: async (session) => ({ obstacle: await session.complete(completion) }),
    judge: (view, answer, circumstances) =>
      judgeComplete(view, completion, granted(answer).obstacle, circumstances),
    tell: ({ obstacle }) => {
      if (obstacle !== null && client.transaction) client.transaction.doomed = true
      return obstacle ?? 'completed'
    },
    done: ({ obstacle }) => {
      const known = worker.alive ? [...worker.runs, ...worker.outbox] : []
      const expected = known.some((one) => one.id === id && one.inTransaction)
      // A handler that completes after its end, or whose worker is gone, has nobody to look for it.
      if (obstacle === null && !expected) world.loseTasks([id])
    },
  })
}

export function look(client: Client): Statement {
  const { looks } = client
  return statement({
    text: `looks${textOfLooks(looks)}`,
    reach: () => ({
      ...noReach,
      tried: releaseLines(
        [],
        looks.filter(({ inFlight }) => inFlight),
      ),
      unblocks: true,
    }),
    send: (session) => session.look(looks),
    judge: (_view, answer) => void granted(answer),
    tell: (answer) => `looked${textOfLooks(answer.looks)}`,
    done: (answer) => {
      const later = client.looks.filter((one) => !looks.includes(one))
      client.looks = [...later, ...answer.looks]
    },
  })
}

export function unregister(world: World, client: Client, worker: Worker): Statement {
  return statement({
    text: `unregisters ${worker.name}`,
    reach: () => ({ ...noReach, rows: [worker.id, ...world.ownedBy(worker.id)], unblocks: true }),
    send: (session) => session.unregister(worker.id),
    judge: (view, answer) => judgeUnregister(view, worker.id, granted(answer).lost),
    tell: ({ lost, looks }) => `${lost} lost${textOfLooks(looks)}`,
    done: ({ looks }) => void (client.looks = [...client.looks, ...looks]),
  })
}

export function housekeep(world: World, client: Client, sweep: boolean): Statement {
  // What is in flight it can't see, and leaves to the next sweep.
  const alone = world.clients.every((other) => other === client || other.isIdle)
  const owed = alone ? new Set(world.lost) : new Set<never>()
  return statement({
    text: sweep ? 'sweeps' : 'keeps house',
    reach: () => ({ ...noReach, unblocks: true }),
    send: (session) => session.housekeep(sweep),
    judge: (view, answer) => judgeHousekeeping(view, granted(answer)),
    tell: ({ done, missing, lost, looks }) =>
      `${done ? 'done' : 'not done'}, missing [${missing.join()}], ${lost} lost${textOfLooks(looks)}`,
    done: ({ done, looks }) => {
      client.looks = [...client.looks, ...looks]
      if (sweep && done) for (const debt of owed) world.lost.delete(debt)
    },
  })
}

/** None of the refusals is for such a statement. */
function granted<Answer>(answer: Answer | Refused): Answer {
  if (answer instanceof Refused) fail(`it should not be refused: ${answer.message}`)
  return answer
}

function textOf({ id, resources, dedupeKey, ifTwin, ifBlocked }: NewTask): string {
  const places = reservationsOf(resources).map(({ resource, mode, amount, capacity }) =>
    mode === 'counted' ? `${resource} ${amount}/${capacity}` : `${resource} ${mode}`,
  )
  const few = places.length > 9 ? [...places.slice(0, 9), '…'] : places
  const rules = [dedupeKey && `key ${dedupeKey}`, ifTwin, ifBlocked].filter(Boolean).join(' ')
  return `${id} [${few.join(', ')}]${rules && ` (${rules})`}`
}

function textOfLooks(looks: readonly Look[]): string {
  if (looks.length === 0) return ''
  const list = looks.map(
    ({ resource, mode, inFlight }) => `${resource} ${mode}${inFlight ? '~' : ''}`,
  )
  return `; looks ${list.join(', ')}`
}
