import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Beat, WorkerId } from '@tasking/core'

type Answers = ReadonlyMap<WorkerId, Beat>

/**
 * Heartbeats that are asked for at the same moment, in one round trip: the workers of a process beat
 * together, and a beat of a hundred costs little more than one.
 */
export class SharedBeat {
  readonly #send: (ids: readonly WorkerId[]) => Promise<Answers>
  #ids = new Set<WorkerId>()
  #answers: Promise<Answers> | undefined

  constructor(send: (ids: readonly WorkerId[]) => Promise<Answers>) {
    this.#send = send
  }

  /** @throws what sending them throws, for all that were asked for together */
  async of(id: WorkerId): Promise<Beat> {
    this.#ids.add(id)
    this.#answers ??= this.#together()
    const beat = (await this.#answers).get(id)
    if (beat === undefined) throw new Error(`The store said nothing of worker ${id}.`)
    return beat
  }

  async #together(): Promise<Answers> {
    await nextTurn()
    const ids = [...this.#ids]
    this.#ids = new Set()
    this.#answers = undefined
    return this.#send(ids)
  }
}
