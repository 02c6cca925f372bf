import { encryptionKeysFrom } from './encryption-key.ts'
import type { EncryptionOptions } from './encryption-key.ts'
import { InvalidOptionError } from './errors.ts'

/** An environment, in which a variable that is empty counts as unset. */
type Variables = Readonly<Record<string, string | undefined>>

/**
 * A switch as a variable has it: `true` or `false`, `1` or `0`, `yes` or `no`, `on` or `off`.
 * @throws InvalidOptionError
 */
export function switchFromVariable(name: string, text: string): boolean {
  if (/^(?:1|true|yes|on)$/i.test(text)) return true
  if (/^(?:0|false|no|off)$/i.test(text)) return false
  throw new InvalidOptionError(name, text, 'true or false')
}

/**
 * What Tasking's own programs encrypt with: the keys of `TASKING_ENCRYPTION_KEYS`, and every input
 * where `TASKING_ENCRYPT_ALL` is on. `undefined` where there are no keys.
 * @throws InvalidOptionError, also for a switch that is on without keys
 */
export function encryptionFromVariables(variables: Variables): EncryptionOptions | undefined {
  const { TASKING_ENCRYPTION_KEYS: keys, TASKING_ENCRYPT_ALL: text } = variables
  // Programs tell what was said from what wasn't.
  const all = text ? switchFromVariable('TASKING_ENCRYPT_ALL', text) : undefined
  if (keys) return { keys: encryptionKeysFrom(keys), ...(all !== undefined && { all }) }
  // Whoever wants all of them encrypted must not find them in plain text.
  if (all)
    throw new InvalidOptionError(
      'TASKING_ENCRYPT_ALL',
      text,
      'possible without TASKING_ENCRYPTION_KEYS',
    )
  return undefined
}
