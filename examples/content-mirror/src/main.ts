import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createTasking, silentLogger } from '@tasking/core'
import type { Logger } from '@tasking/core'
import { startPostgres } from '@tasking/local-postgres'
import { pgStore } from '@tasking/store-pg'
import { createWorker } from '@tasking/worker'
import { readArguments, usage } from './arguments.ts'
import type { Arguments } from './arguments.ts'
import { mirror } from './mirror.ts'
import type { Outcome } from './mirror.ts'
import { planRepositories } from './plan.ts'
import { isGood, outcomeLine, summary } from './report.ts'
import { tasks } from './tasks/index.ts'

const start = performance.now()

function print(line: string): void {
  console.log(`${((performance.now() - start) / 1000).toFixed(2).padStart(7)} s  ${line}`)
}

function printMessage(fields: object | string, message?: string): void {
  print(message ?? (typeof fields === 'string' ? fields : ''))
}

/** What handlers say, and what workers warn of. */
const logger: Logger = {
  ...silentLogger,
  warn: printMessage,
  error: printMessage,
  child: () => ({ ...logger, info: printMessage }),
}

/** Whether everything went well. */
async function run(args: Arguments, databaseUrl: string, store: string): Promise<boolean> {
  const database = pgStore({ url: databaseUrl, migrate: true })
  const tasking = createTasking({ store: database, tasks })
  const workers = Array.from({ length: args.workers }, (_, i) =>
    createWorker({ tasking, name: `mirror-${i + 1}`, concurrency: 2, logger }),
  )
  const interrupt = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => interrupt.abort())
  try {
    // Workers wait for a database that isn't there yet; whoever typed a wrong URL would not.
    await database.check()
    await Promise.all(workers.map((worker) => worker.start()))
    const plan = await planRepositories(args.sources)
    print(`mirroring into ${store}: ${plan.map(({ repository }) => repository).join(', ')}`)
    const onEnd = (outcome: Outcome) => print(outcomeLine(outcome))
    const report = await mirror(tasking, { store, plan, signal: interrupt.signal, onEnd })
    console.log(['', ...summary(report)].join('\n'))
    return isGood(report)
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()))
    await tasking.close()
  }
}

async function main(): Promise<void> {
  const args = readArguments(process.argv.slice(2))
  if (args.help) return console.log(usage)
  const server = args.databaseUrl === undefined ? await startPostgres() : undefined
  const store = args.store ?? (await mkdtemp(join(tmpdir(), 'content-mirror-')))
  try {
    const good = await run(args, args.databaseUrl ?? server?.url ?? '', resolve(store))
    if (!good) process.exitCode = 1
  } finally {
    await server?.stop()
    if (args.store === undefined) await rm(store, { recursive: true, force: true })
  }
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
