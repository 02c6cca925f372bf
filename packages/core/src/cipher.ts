import { checkedKeys, fromBase64, toBase64 } from './encryption-key.ts'
import type { EncryptionOptions, ReadyKey } from './encryption-key.ts'
import { DecryptionError, EncryptionKeyMissingError, NotJsonError } from './errors.ts'
import type { JsonValue } from './json.ts'

/** An encrypted input as the store keeps it: AES-256-GCM, all bytes in base64. */
interface Envelope {
  readonly $encrypted: { readonly key: string; readonly iv: string; readonly data: string }
}

/**
 * What an encrypted input belongs to. It is part of what is authenticated, so that one that was put
 * in another's place does not decrypt.
 */
export type CipherSubject =
  | { readonly task: string; readonly id: string }
  | { readonly task: string; readonly schedule: string }

type ImportedKey = Awaited<ReturnType<typeof globalThis.crypto.subtle.importKey>>

const algorithm = 'AES-GCM'
const ivBytes = 12

/** Encrypts inputs, and decrypts what is encrypted. */
export class Cipher {
  readonly #keys: readonly ReadyKey[]
  readonly #all: boolean
  readonly #imported = new Map<string, Promise<ImportedKey>>()

  /** @throws InvalidOptionError */
  constructor(options: EncryptionOptions | undefined) {
    this.#keys = options === undefined ? [] : checkedKeys(options.keys)
    this.#all = options?.all ?? false
  }

  /** Whether it can decrypt anything. */
  get hasKeys(): boolean {
    return this.#keys.length > 0
  }

  /**
   * The input as it is to be stored.
   * @param wanted whether the task's definition asks for it
   * @throws EncryptionKeyMissingError
   */
  async seal(input: JsonValue, subject: CipherSubject, wanted: boolean): Promise<JsonValue> {
    if (!wanted && !this.#all) {
      if (!isEnvelope(input)) return input
      throw new NotJsonError(`input of "${subject.task}"`, 'it looks like an encrypted one')
    }
    const [key] = this.#keys
    if (key === undefined) throw new EncryptionKeyMissingError(subject.task)
    const iv = globalThis.crypto.getRandomValues(new Uint8Array(ivBytes))
    const data = await globalThis.crypto.subtle.encrypt(
      { name: algorithm, iv, additionalData: bytesOf(authenticated(subject)) },
      await this.#import(key),
      bytesOf(JSON.stringify(input)),
    )
    const envelope = { key: key.id, iv: toBase64(iv), data: toBase64(new Uint8Array(data)) }
    return { $encrypted: envelope }
  }

  /**
   * The input as it was dispatched; one that isn't encrypted as it is.
   * @throws EncryptionKeyMissingError, DecryptionError
   */
  async open(stored: JsonValue, subject: CipherSubject): Promise<JsonValue> {
    if (!isEnvelope(stored)) return stored
    const { key: id, iv, data } = stored.$encrypted
    const key = this.#keys.find((one) => one.id === id)
    if (key === undefined) throw new EncryptionKeyMissingError(subject.task, id)
    try {
      const plain = await globalThis.crypto.subtle.decrypt(
        {
          name: algorithm,
          iv: fromBase64(iv) ?? new Uint8Array(),
          additionalData: bytesOf(authenticated(subject)),
        },
        await this.#import(key),
        fromBase64(data) ?? new Uint8Array(),
      )
      return JSON.parse(new TextDecoder().decode(plain)) as JsonValue
    } catch (cause) {
      throw new DecryptionError(subject.task, id, { cause })
    }
  }

  #import({ id, bytes }: ReadyKey): Promise<ImportedKey> {
    const known = this.#imported.get(id)
    if (known !== undefined) return known
    const { subtle } = globalThis.crypto
    const imported = subtle.importKey('raw', bytes, algorithm, false, ['encrypt', 'decrypt'])
    this.#imported.set(id, imported)
    return imported
  }
}

/** The id of the key that an input is encrypted with; `undefined` for one that can be read. */
export function encryptionKeyOf(input: JsonValue): string | undefined {
  return isEnvelope(input) ? input.$encrypted.key : undefined
}

function isEnvelope(input: unknown): input is Envelope {
  if (typeof input !== 'object' || input === null || !('$encrypted' in input)) return false
  const { $encrypted: inner, ...rest } = input
  return (
    Object.keys(rest).length === 0 &&
    typeof inner === 'object' &&
    inner !== null &&
    ['key', 'iv', 'data'].every((key) => typeof Reflect.get(inner, key) === 'string')
  )
}

function authenticated(subject: CipherSubject): string {
  const { task } = subject
  return JSON.stringify(
    'schedule' in subject ? ['schedule', subject.schedule, task] : ['task', subject.id, task],
  )
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}
