import { mkdir } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { defineTask } from '@tasking/core'
import { z } from 'zod'
import { latestVersion, readVersion, repositoryName, writeVersion } from '../repository.ts'
import { snapshot } from '../snapshot.ts'

/** Makes a repository's next version from a folder, if the folder has changed. */
export const syncRepository = defineTask({
  name: 'repository.sync',
  input: z.object({
    store: z.string().min(1),
    repository: repositoryName,
    source: z.string().min(1),
    /** Names directly below the source; the others are left out. */
    only: z.array(z.string()).optional(),
  }),
  resources: ({ repository }) => ({
    exclusive: [`repository:${repository}`],
    shared: ['content'],
  }),
  async run({ store, repository, source, only }, { signal, log }) {
    await mkdir(store, { recursive: true })
    const onFile = (count: number) => {
      if (count % 500 === 0) log.info({}, `${repository}: ${count} files so far`)
    }
    const { files, counts } = await snapshot(store, source, { only, signal, onFile })
    const latest = await latestVersion(store, repository)
    // The first one is made of an empty folder too, so that there is something to publish.
    const before = latest > 0 ? await readVersion(store, repository, latest) : undefined
    const changed = !isDeepStrictEqual(files, before?.files)
    const version = changed ? latest + 1 : latest
    signal.throwIfAborted()
    if (changed) await writeVersion(store, { repository, version, files })
    return { repository, version, changed, files: files.length, ...counts }
  },
})
