import { defineTask } from '@tasking/core'
import { z } from 'zod'
import { removeContentExcept } from '../content-store.ts'
import { removeDrafts } from '../draft.ts'
import { allVersions } from '../repository.ts'

/** Removes the content that no version refers to, and what killed processes left half-written. */
export const cleanContent = defineTask({
  name: 'content.clean',
  input: z.object({ store: z.string().min(1) }),
  resources: { exclusive: ['content'] },
  async run({ store }, { signal }) {
    const needed = new Set<string>()
    for await (const { files } of allVersions(store)) {
      signal.throwIfAborted()
      for (const { sha256 } of files) needed.add(sha256)
    }
    const drafts = await removeDrafts(store)
    return { ...(await removeContentExcept(store, needed, signal)), drafts }
  },
})
