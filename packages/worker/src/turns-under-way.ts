import type { Turn } from '@tasking/core'

/** The turns of a worker that the store has not answered to. */
export class TurnsUnderWay {
  readonly #turns = new Map<Promise<void>, Turn>()
  #failure: { readonly error: unknown } | undefined

  get size(): number {
    return this.#turns.size
  }

  /** How many tasks they may bring. */
  get slots(): number {
    return [...this.#turns.values()].reduce((sum, { slots }) => sum + slots, 0)
  }

  /** Whether one of them asks for what the worker doesn't know of: another one must not bring that, too. */
  get handsOver(): boolean {
    return [...this.#turns.values()].some(({ known }) => known !== undefined)
  }

  /** @param onEnd called when it isn't one of them any more */
  add(turn: Turn, end: Promise<void>, onEnd: () => void): void {
    const ended = end
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .then(() => {
        this.#turns.delete(ended)
        onEnd()
      })
    this.#turns.set(ended, turn)
  }

  /** @throws what one of them has thrown, which takes care of the store's errors itself */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Resolves when none is left of those that there are now. */
  async ended(): Promise<void> {
    await Promise.all(this.#turns.keys())
  }
}
