import type { AnyTaskDefinition, Jsonified, TaskHandle, Tasking } from '@tasking/core'
import { withoutLast } from './plan.ts'
import type { PlannedRepository } from './plan.ts'
import {
  cleanContent,
  publishRepository,
  syncRepository,
  verifyPublication,
} from './tasks/index.ts'

/** How a task ended: with a result, or failed or canceled with an error. */
export interface Outcome<Result = unknown> {
  readonly task: string
  /** What it worked on: a repository, or the content of all. */
  readonly subject: string
  readonly seconds: number
  readonly result?: Jsonified<Result>
  readonly error?: string
}

type OutcomeOf<Definition extends AnyTaskDefinition> = Outcome<
  Awaited<ReturnType<Definition['run']>>
>

export interface MirrorReport {
  readonly syncs: readonly OutcomeOf<typeof syncRepository>[]
  readonly publications: readonly OutcomeOf<typeof publishRepository>[]
  readonly verifications: readonly OutcomeOf<typeof verifyPublication>[]
  readonly clean: OutcomeOf<typeof cleanContent>
}

export interface MirrorOptions {
  readonly store: string
  /** The first of them is synced again in the end, when it has got a new entry. */
  readonly plan: readonly PlannedRepository[]
  /** Cancels what has not ended yet. */
  readonly signal: AbortSignal
  readonly onEnd: (outcome: Outcome) => void
}

/**
 * Dispatches everything at once, and waits for it. Nothing here says what runs after what: a task
 * waits for the earlier ones that hold what it needs, and the others run beside it.
 */
export async function mirror(tasking: Tasking, options: MirrorOptions): Promise<MirrorReport> {
  const { store, plan, signal, onEnd } = options
  const [changing, ...others] = plan
  if (changing === undefined) throw new Error('There is nothing to mirror.')
  const repositories = []
  for (const planned of [await withoutLast(changing), ...others]) {
    repositories.push(await dispatchAll(tasking, store, planned))
  }
  const clean = await tasking.dispatch(cleanContent, { store })
  repositories.push(await dispatchAll(tasking, store, changing))

  const follow = async <Result>(task: string, subject: string, handle: TaskHandle<Result>) => {
    const outcome = { task, subject, ...(await ended(handle, signal)) }
    onEnd(outcome)
    return outcome
  }
  const [syncs, publications, verifications, cleaned] = await Promise.all([
    Promise.all(repositories.map(({ name, sync }) => follow('sync', name, sync))),
    Promise.all(repositories.map(({ name, publish }) => follow('publish', name, publish))),
    Promise.all(repositories.map(({ name, verify }) => follow('verify', name, verify))),
    follow('clean', 'content', clean),
  ])
  return { syncs, publications, verifications, clean: cleaned }
}

async function dispatchAll(
  tasking: Tasking,
  store: string,
  { repository, source, only }: PlannedRepository,
) {
  return {
    name: repository,
    sync: await tasking.dispatch(syncRepository, { store, repository, source, only }),
    publish: await tasking.dispatch(publishRepository, { store, repository }),
    verify: await tasking.dispatch(verifyPublication, { store, repository }),
  }
}

async function ended<Result>(handle: TaskHandle<Result>, signal: AbortSignal) {
  // One that has ended already needs no canceling.
  const cancel = () => void handle.cancel('interrupted').catch(() => undefined)
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()
  const { state, startedAt, finishedAt, error, cancelReason } = await handle.finished()
  signal.removeEventListener('abort', cancel)
  const seconds = startedAt && finishedAt ? (finishedAt.getTime() - startedAt.getTime()) / 1000 : 0
  return state === 'completed'
    ? { seconds, result: await handle.result() }
    : { seconds, error: `${state}: ${error?.message ?? cancelReason ?? 'no reason given'}` }
}
