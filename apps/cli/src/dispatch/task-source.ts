import { closestMatch } from 'leven'
import { defineTask } from '@tasking/core'
import type { AnyTaskDefinition, ResourceRequest, Tasking } from '@tasking/core'
import { CommandError } from '../command-error.ts'
import { encryptsByDefinition } from '../connection.ts'

// Somebody who has keys may well think that it is encrypted.
const plainText =
  'Without --tasks nothing says that the input is to be encrypted: it is stored in plain text. Name the modules, or set TASKING_ENCRYPT_ALL to true, or to false if that is as it should be.'

/** Where the definitions come from that tasks are dispatched by. */
export interface TaskSource {
  /**
   * @param resources what the dispatcher names itself; empty where it names none
   * @throws CommandError when there is no such task
   */
  definition(name: string, resources: ResourceRequest): Promise<AnyTaskDefinition>
}

/** What the modules of `--tasks` define, if there are any. @throws TaskModuleError */
export async function definitionsOf(
  modules: readonly string[] | undefined,
): Promise<AnyTaskDefinition[] | undefined> {
  if (modules === undefined) return undefined
  // Loaded when it is needed, so that the other commands are quick.
  const { loadTaskModules } = await import('@tasking/worker')
  return loadTaskModules(modules)
}

/** The definitions of loaded modules: they check the input and say which resources it takes. */
export function definedTasks({ definitions }: Tasking): TaskSource {
  return {
    async definition(name, resources) {
      const definition = definitions.get(name)
      if (definition === undefined) {
        throw unknownTask(`The task modules define no task "${name}"`, name, [
          ...definitions.keys(),
        ])
      }
      if (Object.keys(resources).length === 0) return definition
      throw new CommandError(
        'invalid_usage',
        `The definition of "${name}" says which resources it takes; don't name any with --tasks.`,
      )
    },
  }
}

/**
 * Without definitions: names are compared with what live workers know, which finds a mistyped one
 * before its task waits for ever. Where no worker is alive, any name will do.
 */
export function namedTasks(
  tasking: Tasking,
  options: { readonly force: boolean; note(text: string): void },
): TaskSource {
  let warned = !encryptsByDefinition()
  let known: Promise<ReadonlySet<string> | undefined> | undefined

  async function check(name: string): Promise<void> {
    if (options.force) return
    const before = known
    known ??= namesOfLiveWorkers(tasking)
    const names = await known
    if (names === undefined) {
      if (before === undefined)
        options.note(`No worker is alive, so the name "${name}" is not checked.`)
      return
    }
    if (names.has(name)) return
    // One that knows it may have been started since.
    if (before !== undefined) known = namesOfLiveWorkers(tasking)
    const now = (await known) ?? names
    if (now.has(name)) return
    throw unknownTask(`No live worker knows a task "${name}"`, name, [...now], {
      advice: 'Use --force to dispatch it all the same.',
    })
  }

  return {
    async definition(name, resources) {
      await check(name)
      if (!warned) options.note(plainText)
      warned = true
      // This process never runs it.
      return defineTask({ name, resources, run: () => undefined })
    },
  }
}

async function namesOfLiveWorkers(tasking: Tasking): Promise<ReadonlySet<string> | undefined> {
  const workers = await tasking.store.workers()
  const alive = workers.filter((worker) => worker.alive)
  return alive.length === 0 ? undefined : new Set(alive.flatMap(({ taskNames }) => taskNames))
}

function unknownTask(
  what: string,
  name: string,
  known: readonly string[],
  { advice }: { advice?: string } = {},
): CommandError {
  const names = known.toSorted()
  const list = names.length === 0 ? 'none is known' : `known: ${names.join(', ')}`
  const closest = closestMatch(name, names, { maxDistance: Math.ceil(name.length / 2) })
  const suggestion = closest === undefined ? '' : ` Did you mean "${closest}"?`
  return new CommandError('unknown_task', `${what} (${list}).${suggestion}`, {
    ...(advice !== undefined && { advice }),
    details: { known: names, ...(closest !== undefined && { suggestion: closest }) },
  })
}
