import type { Cipher } from './cipher.ts'
import type { Clock } from './clock.ts'
import type { AnyTaskDefinition, TaskDefinition } from './definition.ts'
import { InvalidOptionError, ScheduleNotFoundError } from './errors.ts'
import { checkDeferrable } from './dispatcher.ts'
import { isName } from './name.ts'
import { newTask } from './new-task.ts'
import type { DispatchOptions } from './new-task.ts'
import type { NewSchedule, Schedule, SchedulePlan } from './schedule.ts'
import type { Store } from './store.ts'
import type { DispatchedHandle } from './task-handle.ts'
import type { DispatchedTask, TaskId } from './task.ts'
import { checkedTiming, firstTime, timeAfter } from './timing.ts'
import type { Timing, TimingRequest } from './timing.ts'

// Somebody's transaction holds what a dispatch by hand needs: so long until it is tried again.
const busyPauseMs = 100

/** What a schedule can say of each of its tasks. */
export interface ScheduleOptions extends Pick<
  DispatchOptions,
  'queue' | 'priority' | 'dedupe' | 'timeout'
> {
  readonly ifBlocked?: 'wait' | 'skip'
}

/** A schedule for tasks of a definition: its name, when it is due, and what it dispatches. */
export type ScheduleRequest<Dispatched, Input, Result> = TimingRequest & {
  /** Unique in the store, 1 to 200 characters. */
  readonly name: string
  readonly task: TaskDefinition<Dispatched, Input, Result>
  readonly options?: ScheduleOptions
} & (undefined extends Dispatched
    ? { readonly input?: NoInfer<Dispatched> }
    : { readonly input: NoInfer<Dispatched> })

/** A checked schedule, for places that keep several; `defineSchedule` makes it. */
export interface ScheduleDefinition {
  readonly name: string
  readonly timing: Timing
  readonly task: AnyTaskDefinition
  readonly input?: unknown
  readonly options?: ScheduleOptions
}

/** The schedules of a store. */
export interface Schedules {
  /**
   * Makes a schedule, or changes the one of this name. The input is checked and the resources are
   * named now, so that any worker can dispatch its tasks, also one that doesn't know the definition.
   * With the same timing as before it stays due when it was; a paused one stays paused.
   * @throws InvalidOptionError, InvalidInputError, InvalidResourceError, NotJsonError
   */
  set<Dispatched, Input, Result>(
    schedule: ScheduleRequest<Dispatched, Input, Result>,
  ): Promise<Schedule>
  set(schedule: ScheduleDefinition): Promise<Schedule>
  /** Those that were given to `createTasking`; a worker sets them when its housekeeping begins. */
  readonly declared: readonly ScheduleDefinition[]
  /** By name. */
  list(): Promise<Schedule[]>
  /** @throws ScheduleNotFoundError */
  find(name: string): Promise<Schedule>
  /** The tasks that it has dispatched go on. @throws ScheduleNotFoundError */
  remove(name: string): Promise<void>
  /** Nothing is dispatched until it is resumed. @throws ScheduleNotFoundError */
  pause(name: string): Promise<Schedule>
  /**
   * Goes on with the next of its times: what it has missed is not made up for, but for a schedule
   * with a single time. @throws ScheduleNotFoundError
   */
  resume(name: string): Promise<Schedule>
  /**
   * Dispatches its task now, paused or not; its times stay as they are. While its last task is
   * unfinished that is the one the handle is for, and its outcome is `twin`.
   * @throws ScheduleNotFoundError
   */
  runNow(name: string): Promise<DispatchedHandle<unknown>>
}

/**
 * Defines a schedule for the `schedules` of `createTasking`, with the same checks as `set`.
 * @throws InvalidOptionError
 */
export function defineSchedule<Dispatched, Input, Result>(
  request: ScheduleRequest<Dispatched, Input, Result>,
): ScheduleDefinition {
  return definitionOf(request)
}

/**
 * The schedules of this store.
 * @param declared those that workers set
 * @param handleOf makes the handle of a dispatched task
 * @throws InvalidOptionError for two that are declared with one name
 */
export function createSchedules(
  store: Store,
  clock: Clock,
  cipher: Cipher,
  declared: readonly ScheduleDefinition[],
  handleOf: (id: TaskId, dispatched: DispatchedTask) => DispatchedHandle<unknown>,
): Schedules {
  const names = declared.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice !== undefined) {
    throw new InvalidOptionError('schedules', twice, 'the name of one schedule only')
  }

  async function find(name: string): Promise<Schedule> {
    const [schedule] = await store.schedules(name)
    if (schedule === undefined) throw new ScheduleNotFoundError(name)
    return schedule
  }

  async function plan(name: string, next: (schedule: Schedule) => Partial<SchedulePlan>) {
    for (;;) {
      const schedule = await find(name)
      const { revision, nextAt, pausedAt } = schedule
      const now = { name, revision, nextAt, paused: pausedAt !== null }
      const changed = { ...now, ...next(schedule) }
      if (changed.paused === now.paused) return schedule
      await store.planSchedule(changed)
    }
  }

  return {
    ...{ declared, find },
    async set(schedule: (TimingRequest | { timing: Timing }) & ScheduleBody) {
      return store.setSchedule(
        await newSchedule(store, definitionOf(schedule), cipher, clock.now()),
      )
    },
    list: () => store.schedules(),
    async remove(name) {
      if (!(await store.removeSchedule(name))) throw new ScheduleNotFoundError(name)
    },
    pause: (name) => plan(name, () => ({ paused: true })),
    resume: (name) =>
      plan(name, ({ timing, nextAt }) => {
        const now = clock.now()
        const missed = nextAt !== null && nextAt <= now
        return {
          paused: false,
          ...(missed && { nextAt: timeAfter(timing, nextAt, now) ?? nextAt }),
        }
      }),
    async runNow(name) {
      const taskId = store.newId()
      for (;;) {
        const outcome = await store.fireSchedule({ name, taskId })
        if (outcome.kind === 'changed') throw new ScheduleNotFoundError(name)
        if (outcome.kind !== 'busy') {
          const blocked = outcome.kind === 'fired' && outcome.blocked
          return handleOf(taskId, { id: outcome.taskId, state: 'waiting', blocked })
        }
        await clock.sleep(busyPauseMs * (0.5 + clock.random()))
      }
    },
  }
}

type ScheduleBody = Omit<ScheduleDefinition, 'timing'>

function definitionOf(schedule: (TimingRequest | { timing: Timing }) & ScheduleBody) {
  const { name, task, input, options } = schedule
  if (!isName(name, 200)) {
    throw new InvalidOptionError('name', name, 'a schedule name of 1 to 200 characters')
  }
  const timing = 'timing' in schedule ? schedule.timing : checkedTiming(schedule)
  return { name, timing, task, input, ...(options && { options }) }
}

async function newSchedule(
  store: Store,
  { name, timing, task: definition, input, options }: ScheduleDefinition,
  cipher: Cipher,
  now: Date,
): Promise<NewSchedule> {
  checkDeferrable(definition, 'a schedule is to dispatch it')
  const { id: _id, ...task } = await newTask(store.newId(), definition, input, options)
  const subject = { task: task.name, schedule: name }
  const sealed = await cipher.seal(task.input, subject, definition.encrypted ?? false)
  return {
    ...{ name, timing, nextAt: firstTime(timing, now) },
    // Its tasks have ids of their own, so it is the schedule that an encrypted input belongs to.
    task: { ...task, input: sealed, options: { ...task.options, schedule: name } },
  }
}
