import { defineTask } from '@tasking/core'
import { z } from 'zod'
import { damage, latestPublication } from '../publication.ts'
import { readVersion, repositoryName } from '../repository.ts'

/** Recomputes every checksum of a repository's newest publication. */
export const verifyPublication = defineTask({
  name: 'publication.verify',
  input: z.object({ store: z.string().min(1), repository: repositoryName }),
  resources: ({ repository }) => ({ shared: [`publication:${repository}`] }),
  async run({ store, repository }, { signal }) {
    const version = await latestPublication(store, repository)
    if (version === 0) throw new Error(`${repository} has no publication yet: publish it first.`)
    // A version never changes, so reading it takes no reservation.
    const content = await readVersion(store, repository, version)
    const bad = await damage(store, content, signal)
    if (bad.length > 0) throw new DamagedPublicationError(repository, version, bad)
    return { repository, version, files: content.files.length }
  },
})

class DamagedPublicationError extends Error {
  override readonly name = 'DamagedPublicationError'
  readonly code = 'publication_damaged'

  constructor(repository: string, version: number, bad: readonly string[]) {
    const shown = bad.slice(0, 100).join(', ')
    super(`${repository}, version ${version}: ${bad.length} bad files: ${shown}`)
  }
}
