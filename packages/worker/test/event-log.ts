import type { WorkerEvent } from '../src/index.ts'

type Kind = WorkerEvent['kind']
type EventOf<K extends Kind> = Extract<WorkerEvent, { readonly kind: K }>

/** What a worker has told of itself so far, to wait on. */
export class EventLog {
  readonly events: WorkerEvent[] = []
  readonly #waiting = new Set<() => void>()

  readonly note = (event: WorkerEvent): void => {
    this.events.push(event)
    for (const look of this.#waiting) look()
  }

  get kinds(): Kind[] {
    return this.events.map(({ kind }) => kind)
  }

  of<K extends Kind>(kind: K): EventOf<K>[] {
    return this.events.filter((event): event is EventOf<K> => event.kind === kind)
  }

  /** Resolves with the first event of this kind, from the given one on, be it there or to come. */
  next<K extends Kind>(
    kind: K,
    { from = 0, taskId }: { readonly from?: number; readonly taskId?: string } = {},
  ): Promise<EventOf<K>> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.events
          .slice(from)
          .find(
            (event): event is EventOf<K> =>
              event.kind === kind &&
              (taskId === undefined || ('taskId' in event && event.taskId === taskId)),
          )
        if (found === undefined) return
        this.#waiting.delete(look)
        resolve(found)
      }
      this.#waiting.add(look)
      look()
    })
  }
}
