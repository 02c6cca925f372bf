import { inspect, isDeepStrictEqual } from 'node:util'

/** Fails unless the store and the model say the same. */
export function agree(found: unknown, wanted: unknown, what: string): void {
  if (isDeepStrictEqual(found, wanted)) return
  const [a, b] = [found, wanted].map((value) => inspect(value, { depth: 5, breakLength: 100 }))
  fail(`${what}: the store says\n${a}\nand the model\n${b}`)
}

export function fail(what: string): never {
  throw new Error(what)
}
