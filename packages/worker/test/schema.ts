interface Types<Input, Output> {
  readonly input: Input
  readonly output: Output
}

/** A Standard Schema that takes what `parse` takes; what that throws is an issue at `path`. */
export function schemaOf<Input, Output>(
  path: readonly string[],
  parse: (value: unknown) => Output,
) {
  const validate = (value: unknown) => {
    try {
      return { value: parse(value) }
    } catch (error) {
      return { issues: [{ path, message: String(error) }] }
    }
  }
  const types = undefined as Types<Input, Output> | undefined
  return { '~standard': { version: 1, vendor: 'test', validate, types } } as const
}
