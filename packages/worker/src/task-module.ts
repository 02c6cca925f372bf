import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { constants, Script } from 'node:vm'
import { TaskingError } from '@tasking/core'
import type { AnyTaskDefinition, ScheduleDefinition } from '@tasking/core'

/** A task module that can't be used: not there, broken, or without definitions. */
export class TaskModuleError extends TaskingError {
  /** The module as it was asked for. */
  readonly module: string

  constructor(
    code:
      | 'task_module_not_found'
      | 'task_module_failed'
      | 'task_module_empty'
      | 'typescript_unsupported',
    module: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options)
    this.module = module
  }
}

/**
 * The task definitions that modules export: under any name, as the default, or in arrays. One
 * that is exported twice comes once.
 * @param modules each a path, relative to `cwd`, or the name of a package as seen from there.
 *   TypeScript works where Node strips types (from 22.18 on) or a loader is registered.
 * @throws TaskModuleError
 */
export async function loadTaskModules(
  modules: readonly string[],
  cwd: string = process.cwd(),
): Promise<AnyTaskDefinition[]> {
  const definitions = new Set<AnyTaskDefinition>()
  // One after the other, so that their order, and the error that is shown, is always the same.
  for (const module of modules) {
    const found = valuesIn(await load(module, cwd)).filter(isDefinition)
    if (found.length === 0) throw empty(module)
    for (const definition of found) definitions.add(definition)
  }
  return [...definitions]
}

/** The schedules that the same modules export, in the same way. @throws TaskModuleError */
export async function loadSchedules(
  modules: readonly string[],
  cwd: string = process.cwd(),
): Promise<ScheduleDefinition[]> {
  const schedules = new Set<ScheduleDefinition>()
  for (const module of modules) {
    for (const schedule of valuesIn(await load(module, cwd)).filter(isSchedule)) {
      schedules.add(schedule)
    }
  }
  return [...schedules]
}

async function load(module: string, cwd: string): Promise<object> {
  const file = fileOf(module, cwd)
  try {
    return file === undefined
      ? await importPackage(module, cwd)
      : ((await import(pathToFileURL(file).href)) as object)
  } catch (error) {
    throw error instanceof TaskModuleError ? error : failure(module, error)
  }
}

function empty(module: string): TaskModuleError {
  return new TaskModuleError(
    'task_module_empty',
    module,
    `The task module ${module} exports no task definition. Export what defineTask() returns.`,
  )
}

/** @returns the file that is meant, or `undefined` where it must be a package */
function fileOf(module: string, cwd: string): string | undefined {
  const path = module.startsWith('file:') ? fileURLToPath(module) : resolve(cwd, module)
  const there = statSync(path, { throwIfNoEntry: false })
  if (there?.isFile()) return path
  const isPath = isAbsolute(module) || /^(?:\.\.?[/\\]|\.\.?$|file:)/.test(module)
  if (!isPath) return undefined
  if (there) throw notFound(module, 'it is a directory; name the file in it')
  const endings = ['.ts', '.mts', '.js', '.mjs'].map((extension) => path + extension)
  const meant = endings.find((candidate) => existsSync(candidate))
  throw notFound(module, `there is no file ${path}${meant ? ` (did you mean ${meant}?)` : ''}`)
}

// A package must be looked up where the user is, not where this code is installed; Node has only
// this way for it, and calls it experimental when it is used.
function importPackage(name: string, cwd: string): Promise<object> {
  // What `import()` takes as the importing file; it need not exist.
  const importer = join(cwd, 'tasking')
  const [packageName = ''] = /^(?:@[^/]+\/)?[^/]+/.exec(name) ?? []
  const folders = createRequire(importer).resolve.paths(name) ?? []
  if (!folders.some((folder) => existsSync(join(folder, packageName)))) {
    throw notFound(name, `there is neither a file ${resolve(cwd, name)} nor such a package`)
  }
  const script = new Script('(name) => import(name)', {
    filename: pathToFileURL(importer).href,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
  const importIt = script.runInThisContext() as (name: string) => Promise<object>
  return importIt(name)
}

function failure(module: string, error: unknown): TaskModuleError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const message = error instanceof Error ? error.message : String(error)
  const failed = `The task module ${module} could not be loaded:`
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?tsx?\b/.test(message)) {
    return new TaskModuleError(
      'typescript_unsupported',
      module,
      `${failed} Node ${process.versions.node} can't load TypeScript. Use Node 22.18 or newer, or compile the module to JavaScript and name that.`,
      { cause: error },
    )
  }
  const what = error instanceof Error ? `${error.name}: ${message}` : message
  return new TaskModuleError('task_module_failed', module, `${failed} ${what}${placeOf(error)}`, {
    cause: error,
  })
}

function notFound(module: string, why: string): TaskModuleError {
  const message = `The task module ${module} was not found: ${why}.`
  return new TaskModuleError('task_module_not_found', module, message)
}

const placeInStack = /(?<=[\s(])(?:file:\/\/|\/|[A-Z]:\\)[^\s()]+?:\d+(?::\d+)?/i

/** Where in a file it was thrown, from its stack: a whole stack is more than a reader needs. */
function placeOf(error: unknown): string {
  const place = error instanceof Error && placeInStack.exec(error.stack ?? '')
  if (place) return ` (at ${place[0]})`
  // Node tells the place of a syntax error only where nobody catches it.
  return error instanceof SyntaxError ? ' (run the module with node to see where)' : ''
}

function valuesIn(exported: object): unknown[] {
  const values: unknown[] = Object.values(exported)
  // A CommonJS module comes as a whole under `default`, and not all of its names are seen.
  const whole: unknown = 'default' in exported ? exported.default : undefined
  if (typeof whole === 'object' && whole !== null && !isDefinition(whole)) {
    values.push(...Object.values(whole))
  }
  return values.flat()
}

function isSchedule(value: unknown): value is ScheduleDefinition {
  return typeof value === 'object' && value !== null && 'timing' in value && 'task' in value
}

function isDefinition(value: unknown): value is AnyTaskDefinition {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'run' in value &&
    typeof value.run === 'function'
  )
}
