/** Items in the order of their keys; equal keys in the order of arrival. */
export class SortedList<T> {
  readonly #key: (item: T) => number
  readonly #items: T[] = []

  constructor(key: (item: T) => number) {
    this.#key = key
  }

  get size(): number {
    return this.#items.length
  }

  add(item: T): void {
    const key = this.#key(item)
    let from = 0
    let to = this.#items.length
    while (from < to) {
      const middle = (from + to) >>> 1
      const other = this.#items[middle]
      if (other !== undefined && this.#key(other) <= key) from = middle + 1
      else to = middle
    }
    this.#items.splice(from, 0, item)
  }

  takeFirst(): T | undefined {
    return this.#items.shift()
  }
}
