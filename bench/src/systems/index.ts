import type { System, SystemName } from './system.ts'

/** Loads one system only: a process that is measured carries no other along. */
export async function loadSystem(name: SystemName): Promise<System> {
  switch (name) {
    case 'tasking':
      return (await import('./tasking.ts')).taskingSystem
    case 'graphile-worker':
      // Read when it is loaded: its own benchmark also does without a line per job.
      process.env['NO_LOG_SUCCESS'] = '1'
      return (await import('./graphile-worker.ts')).graphileWorker
    case 'pg-boss':
      return (await import('./pg-boss.ts')).pgBoss
    case 'bullmq':
      return (await import('./bullmq.ts')).bullMq
  }
}
