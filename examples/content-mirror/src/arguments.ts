import { parseArgs } from 'node:util'

export const usage = `Mirrors folders into a content store, and publishes snapshots of them.

  node examples/content-mirror/src/main.ts [--source <folder>…] [options]

  --source <folder>…    each becomes a repository; default: this project's own dependencies
  --store <folder>      where content and publications go; default: a temporary one, then removed
  --database-url <url>  the PostgreSQL to use; default: one of its own, then removed
  --workers <n>         default 2, with two tasks at a time each`

export interface Arguments {
  readonly sources: readonly string[]
  readonly store: string | undefined
  readonly databaseUrl: string | undefined
  readonly workers: number
  readonly help: boolean
}

/** @throws Error that says which argument can't be used */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      source: { type: 'string', multiple: true, default: [] },
      store: { type: 'string' },
      'database-url': { type: 'string' },
      workers: { type: 'string', default: '2' },
      help: { type: 'boolean', default: false },
    },
  })
  const workers = Number(values.workers)
  if (!Number.isInteger(workers) || workers < 1 || workers > 100) {
    throw new Error(`--workers: ${values.workers} is not a number from 1 to 100.`)
  }
  return {
    // A shell makes several folders of one pattern.
    sources: [...values.source, ...positionals],
    store: values.store,
    databaseUrl: values['database-url'],
    workers,
    help: values.help,
  }
}
