import { encryptionKeysFrom } from '@tasking/core'
import type { EncryptionOptions } from '@tasking/core'

/**
 * The encryption keys of the environment, which threads and processes for handlers have as well, so
 * that no message carries them.
 * @throws InvalidOptionError
 */
export function encryption(): { readonly encryption?: EncryptionOptions } {
  const keys = process.env['TASKING_ENCRYPTION_KEYS']
  return keys ? { encryption: { keys: encryptionKeysFrom(keys) } } : {}
}
