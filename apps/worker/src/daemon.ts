import { hostname } from 'node:os'
import { extname } from 'node:path'
import type { Logger } from 'pino'
import { createTasking, TaskingError } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { pgStore } from '@tasking/store-pg'
import { createWorker, loadSchedules, loadTaskModules } from '@tasking/worker'
import type { Worker } from '@tasking/worker'
import { encryption } from './encryption.ts'
import type { Flags } from './flags.ts'
import type { IsolatedSettings } from './isolated-tasking.ts'
import { serveHealth } from './health-server.ts'
import { createLog } from './log.ts'
import { keepPidFile } from './pid-file.ts'
import { packageVersion } from './program.ts'
import { stopOnSignals } from './stop-signals.ts'

/**
 * Runs a worker until it has stopped.
 * @throws TaskingError for wrong usage, and for what waiting would not heal
 */
export async function runDaemon(flags: Flags): Promise<void> {
  const name = nameOf(flags.name)
  const logger = createLog(flags.logLevel, name)
  const settings = isolatedSettings(flags)
  if (flags.pidFile !== undefined) keepPidFile(flags.pidFile)
  const tasking = await taskingOf(flags, settings)
  const worker = createWorker({
    ...{ tasking, name, logger, version: packageVersion(), concurrency: flags.concurrency },
    ...(flags.queue && { queues: flags.queue }),
    ...(flags.component !== undefined && { versions: flags.component }),
    ...(flags.ttl !== undefined && { ttl: flags.ttl }),
    ...(flags.pollInterval !== undefined && { pollInterval: flags.pollInterval }),
    ...(flags.burst !== undefined && { burst: flags.burst }),
    ...(flags.burstWait !== undefined && { burstWait: flags.burstWait }),
    ...(flags.auxiliary !== undefined && { auxiliary: flags.auxiliary }),
    ...(flags.housekeeping !== undefined && { housekeeping: flags.housekeeping }),
    ...(flags.purge !== undefined && { purge: flags.purge }),
    ...(flags.isolation !== undefined && { isolation: flags.isolation }),
    ...(flags.grace !== undefined && { grace: flags.grace }),
    ...(flags.heapLimit !== undefined && { heapLimitMb: flags.heapLimit }),
    // Node runs the sources as they are; what is published is JavaScript.
    taskingModule: new URL(`./isolated-tasking${extname(import.meta.filename)}`, import.meta.url),
    taskingData: settings,
  })
  if (flags.healthPort !== undefined) {
    logger.info({ port: await serveHealth(worker, flags.healthPort) }, 'answering probes')
  }
  stopOnSignals(worker, flags.abortAfter, logger)
  await untilEnded(worker, logger)
  await tasking.close()
}

function nameOf(template: string): string {
  return template
    .replaceAll(/\{host(?:name)?\}/g, hostname())
    .replaceAll('{pid}', String(process.pid))
}

function isolatedSettings(flags: Flags): IsolatedSettings {
  const { tasks: modules = [], databaseUrl: url, schema } = flags
  if (modules.length === 0) {
    const message =
      'There are no tasks to run: name their modules with --tasks, or in TASKING_TASKS.'
    throw new TaskingError('invalid_usage', message)
  }
  if (url === undefined) {
    const message = 'There is no database: name it with --database-url, or in TASKING_DATABASE_URL.'
    throw new TaskingError('invalid_usage', message)
  }
  return { modules, cwd: process.cwd(), url, schema }
}

async function taskingOf({ listen }: Flags, settings: IsolatedSettings): Promise<Tasking> {
  const { modules, cwd, url, schema } = settings
  const store = pgStore({
    url,
    ...(schema !== undefined && { schema }),
    ...(listen !== undefined && { listen }),
  })
  const tasks = await loadTaskModules(modules, cwd)
  const schedules = await loadSchedules(modules, cwd)
  return createTasking({ store, tasks, schedules, ...encryption() })
}

async function untilEnded(worker: Worker, logger: Logger): Promise<void> {
  process.on('uncaughtException', (err) => {
    logger.fatal({ err }, 'an error that nothing caught ends this worker and its tasks')
    process.exit(1)
  })
  try {
    await worker.start()
    await worker.ended
  } catch (err) {
    logger.fatal({ err }, err instanceof Error ? err.message : 'the worker failed')
    throw err
  }
}
