import { v7, validate } from 'uuid'
import type { Clock, TaskId } from '@tasking/core'

/** Whether the text can be a task's id at all; PostgreSQL would throw on anything else. */
export function isTaskId(text: TaskId): boolean {
  return validate(text)
}

const bytesOfOne = 16

/** Makes UUIDs of version 7: they grow with time, and within a millisecond (RFC 9562, section 6.2). */
export class TaskIds {
  readonly #clock: Clock
  // Random bytes cost less in bulk: asked for id by id, they were most of what an id costs.
  readonly #pool = new Uint8Array(256 * bytesOfOne)
  #used = this.#pool.length
  #msecs = 0
  #seq = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  next(): TaskId {
    const random = this.#randomBytes()
    const now = this.#clock.now().getTime()
    if (now > this.#msecs) {
      this.#msecs = now
      // Half of the range is left to count on, which is more than a millisecond can use.
      this.#seq = new DataView(random.buffer).getUint32(6) >>> 1
    } else {
      this.#seq += 1
    }
    return v7({ random, msecs: this.#msecs, seq: this.#seq })
  }

  #randomBytes(): Uint8Array<ArrayBuffer> {
    if (this.#used === this.#pool.length) {
      crypto.getRandomValues(this.#pool)
      this.#used = 0
    }
    const random = this.#pool.slice(this.#used, this.#used + bytesOfOne)
    this.#used += bytesOfOne
    return random
  }
}
