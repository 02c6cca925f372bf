import { defineTask } from '@tasking/core'
import { z } from 'zod'
import { publish } from '../publication.ts'
import { latestVersion, readVersion, repositoryName } from '../repository.ts'

/** Publishes the newest version of a repository. */
export const publishRepository = defineTask({
  name: 'repository.publish',
  input: z.object({ store: z.string().min(1), repository: repositoryName }),
  resources: ({ repository }) => ({
    exclusive: [`publication:${repository}`],
    shared: [`repository:${repository}`, 'content'],
  }),
  async run({ store, repository }, { signal }) {
    const version = await latestVersion(store, repository)
    if (version === 0) throw new Error(`${repository} has no version yet: sync it first.`)
    const content = await readVersion(store, repository, version)
    await publish(store, content, signal)
    return { repository, version, files: content.files.length }
  },
})
