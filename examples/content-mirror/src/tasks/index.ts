import { cleanContent } from './clean-content.ts'
import { publishRepository } from './publish-repository.ts'
import { syncRepository } from './sync-repository.ts'
import { verifyPublication } from './verify-publication.ts'

export { cleanContent, publishRepository, syncRepository, verifyPublication }

/** What a worker of this program can run. */
export const tasks = [syncRepository, publishRepository, verifyPublication, cleanContent]
