import { InvalidOptionError } from './errors.ts'
import { isName } from './name.ts'

/** A key for inputs, and the name by which what was encrypted with it is told. */
export interface EncryptionKey {
  /** 1 to 50 characters, without a comma or a colon; stored beside what it encrypts. */
  readonly id: string
  /** 32 bytes, or these in base64. */
  readonly key: string | Uint8Array
}

/** With what the inputs of tasks are encrypted at rest. */
export interface EncryptionOptions {
  /** The first one encrypts, all of them decrypt. */
  readonly keys: readonly EncryptionKey[]
  /** Encrypt every input, not only those of definitions with `encrypted: true`. Default false. */
  readonly all?: boolean
}

/** A checked key. */
export interface ReadyKey {
  readonly id: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

const keyBytes = 32

/** @throws InvalidOptionError; keys never show in a message */
export function checkedKeys(keys: readonly EncryptionKey[]): ReadyKey[] {
  if (keys.length === 0) {
    throw new InvalidOptionError('encryption.keys', [], 'at least one key; leave encryption out')
  }
  return keys.map(({ id, key }, index) => {
    if (!isName(id, 50) || /[,:]/.test(id) || keys.findIndex((one) => one.id === id) < index) {
      const expected = 'a name of its own of 1 to 50 characters, without a comma or a colon'
      throw new InvalidOptionError(`encryption.keys[${index}].id`, id, expected)
    }
    const bytes = typeof key === 'string' ? fromBase64(key) : Uint8Array.from(key)
    if (bytes?.length === keyBytes) return { id, bytes }
    const expected = `${keyBytes} bytes, or these in base64`
    throw new InvalidOptionError(`encryption.keys[${index}].key`, '(not shown)', expected)
  })
}

/**
 * Keys as a variable has them: `id:base64`, several separated by commas.
 * @throws InvalidOptionError
 */
export function encryptionKeysFrom(text: string): EncryptionKey[] {
  const keys = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .map((item, index) => {
      const [, id, key] = /^([^:]+):(.+)$/s.exec(item) ?? []
      if (id !== undefined && key !== undefined) return { id, key }
      const expected = 'a name and a key in base64, such as k1:q83v…'
      throw new InvalidOptionError(`encryption.keys[${index}]`, '(not shown)', expected)
    })
  checkedKeys(keys)
  return keys
}

/** A new random key, as `encryptionKeysFrom` takes it. @throws InvalidOptionError */
export function newEncryptionKey(id: string): string {
  const text = `${id}:${toBase64(globalThis.crypto.getRandomValues(new Uint8Array(keyBytes)))}`
  encryptionKeysFrom(text)
  return text
}

export function toBase64(bytes: Uint8Array): string {
  let text = ''
  // A call takes so many arguments.
  const most = 8_192
  for (let at = 0; at < bytes.length; at += most) {
    text += String.fromCharCode(...bytes.subarray(at, at + most))
  }
  return btoa(text)
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
