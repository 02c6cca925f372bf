/** A named event: closed until somebody opens it, open for good after that. */
export class Gate {
  readonly opened: Promise<void>
  open: () => void = () => undefined

  constructor() {
    this.opened = new Promise((resolve) => (this.open = resolve))
  }
}

/** Opens when so many have arrived, and lets all of them pass. */
export class Meeting {
  readonly #gate = new Gate()
  readonly #size: number
  #arrived = 0

  constructor(size: number) {
    this.#size = size
  }

  get complete(): Promise<void> {
    return this.#gate.opened
  }

  arrive(): Promise<void> {
    this.#arrived += 1
    if (this.#arrived >= this.#size) this.#gate.open()
    return this.#gate.opened
  }

  /** Lets everybody pass, however few have arrived. */
  open(): void {
    this.#gate.open()
  }
}
