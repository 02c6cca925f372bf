import type { WorkerKind, WorkerRegistration } from './store.ts'

/** What a registration is for, as its concurrency says. */
export function kindOfWorker({ concurrency }: Pick<WorkerRegistration, 'concurrency'>): WorkerKind {
  return concurrency === 0 ? 'dispatcher' : 'worker'
}
