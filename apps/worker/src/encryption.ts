import { encryptionFromVariables } from '@tasking/core'
import type { EncryptionOptions } from '@tasking/core'

/**
 * What the environment says of encryption, which threads and processes for handlers have as well, so
 * that no message carries keys.
 * @throws InvalidOptionError
 */
export function encryption(): { readonly encryption?: EncryptionOptions } {
  const options = encryptionFromVariables(process.env)
  return options === undefined ? {} : { encryption: options }
}
