import { usageOfThisProcess } from './usage.ts'

/** What another process can be asked: methods of one argument at most. */
export type Methods<Api> = { [Name in keyof Api]: (input: never) => Promise<unknown> }

export interface Call {
  readonly id: number
  readonly name: string
  readonly input: unknown
}

export interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string | undefined
}

export interface Event<Told> {
  readonly event: Told
}

/** Answers the calls of the process that has started this one, and ends with it. */
export function serve<Api extends Methods<Api>>(api: Api): void {
  const methods: Record<string, (input: never) => Promise<unknown>> = {
    usage: async () => usageOfThisProcess(),
    ...api,
  }
  process.once('disconnect', () => process.exit(1))
  process.on('message', (message) => void answer(methods, message as Call))
}

/** Tells the process that has started this one, unasked. */
export function tell<Told>(event: Told): void {
  const message: Event<Told> = { event }
  process.send?.(message)
}

async function answer(
  methods: Record<string, (input: never) => Promise<unknown>>,
  { id, name, input }: Call,
): Promise<void> {
  try {
    // What was called by name comes with the input of that method.
    const value = await methods[name]?.(input as never)
    reply({ id, value })
  } catch (error) {
    reply({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}

function reply(message: Answer): void {
  process.send?.(message)
}
