import type { JsonValue, Tasking } from '@tasking/core'
import type { ChildSetUp } from './child-message.ts'

/** What a tasking module exports as `tasking`: what `createTasking` returns, or how to make it. */
type TaskingExport = Tasking | ((data: JsonValue) => Tasking | Promise<Tasking>)

/** The definitions and the store of a child, from the module that its worker has named. */
export async function openTasking({ module, data = null }: ChildSetUp): Promise<Tasking> {
  const exported = (await import(module)) as { readonly tasking?: TaskingExport }
  const { tasking } = exported
  const made = typeof tasking === 'function' ? await tasking(data) : tasking
  if (typeof made?.dispatch === 'function') return made
  throw new TypeError(
    `${module} exports no "tasking": export what createTasking() returns, or a function that does.`,
  )
}
