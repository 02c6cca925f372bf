/** To standard output, where a command's result goes. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** To standard error: what a person may want to know beside the result. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** As JSON; dates become ISO 8601, whole numbers beyond JavaScript's become strings. */
export function printJson(value: unknown): void {
  print(jsonOf(value))
}

export function jsonOf(value: unknown): string {
  const replacer = (_key: string, item: unknown) =>
    typeof item === 'bigint' ? item.toString() : item
  return JSON.stringify(value, replacer, 2)
}
