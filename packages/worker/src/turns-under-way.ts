import type { Turn } from '@tasking/core'

/** The turns of a worker that the store has not answered to. */
export class TurnsUnderWay {
  readonly #turns = new Map<Promise<void>, Turn>()

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
    const ended = end.then(() => {
      this.#turns.delete(ended)
      onEnd()
    })
    this.#turns.set(ended, turn)
  }

  /** Resolves when none is left of those that there are now. */
  async ended(): Promise<void> {
    await Promise.all(this.#turns.keys())
  }
}
