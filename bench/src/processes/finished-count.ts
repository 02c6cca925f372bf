/** How many tasks some processes have finished, and whoever waits for more of them. */
export class FinishedCount {
  #finished = 0
  #waiting: { readonly count: number; readonly resolve: () => void }[] = []

  get value(): number {
    return this.#finished
  }

  add(finished: number): void {
    this.#finished += finished
    for (const { count, resolve } of this.#waiting) if (this.#finished >= count) resolve()
    this.#waiting = this.#waiting.filter(({ count }) => this.#finished < count)
  }

  /** @throws Error when one of the processes ends before */
  async until(count: number, exits: readonly Promise<string>[]): Promise<void> {
    if (this.#finished >= count) return
    const reached = new Promise<void>((resolve) => this.#waiting.push({ count, resolve }))
    const how = await Promise.race([reached, Promise.race(exits)])
    if (how !== undefined) throw new Error(`A process with workers ended: ${how}`)
  }
}
