import { systemClock } from '@tasking/core'
import type { Tasking } from '@tasking/core'
import { childLog } from './child-log.ts'
import type { RunOrder, ToChild } from './child-message.ts'
import type { ChildPort } from './child-port.ts'
import { openTasking } from './child-tasking.ts'
import { toTaskError } from './handler-end.ts'
import { HandlerRun } from './handler-run.ts'
import { ProgressRelay } from './progress-relay.ts'
import { fromAbortMessage } from './task-abort.ts'
import { taskLog } from './task-log.ts'

/** What a thread or a process does: opens its tasking once, then runs what it is told to. */
export class ChildProgram {
  readonly #port: ChildPort
  readonly #home: string
  #tasking: Tasking | undefined
  #run: HandlerRun | undefined

  constructor(port: ChildPort, home: string) {
    this.#port = port
    this.#home = home
  }

  async hear(message: ToChild): Promise<void> {
    switch (message.kind) {
      case 'open':
        return this.#open(message.setUp)
      case 'run':
        return this.#carryOut(message.order)
      case 'abort':
        if (this.#run?.task.id === message.taskId) {
          this.#run.abort(fromAbortMessage(message.reason))
        }
        return
      case 'leave':
        await this.#tasking?.close()
        process.exit(0)
    }
  }

  async #open(setUp: Parameters<typeof openTasking>[0]): Promise<void> {
    try {
      this.#tasking = await openTasking(setUp)
      const taskNames = [...this.#tasking.definitions.keys()]
      await this.#port.send({ kind: 'ready', taskNames })
    } catch (error) {
      await this.#port.send({ kind: 'broken', error: toTaskError(error) })
    }
  }

  async #carryOut({ task, workerId, directory }: RunOrder): Promise<void> {
    if (this.#tasking === undefined) throw new Error('It was told to run before it was open.')
    const log = childLog((line) => {
      // A line that can't be sent must not fail its task.
      this.#port.send({ kind: 'log', line }).catch(() => undefined)
    })
    const progress = new ProgressRelay(systemClock, (reports) => {
      this.#port.send({ kind: 'progress', reports }).catch(() => undefined)
    })
    const run = new HandlerRun(task, workerId, {
      onProgress: (reports) => progress.note(reports),
      random: () => systemClock.random(),
    })
    this.#run = run
    if (directory !== undefined) process.chdir(directory)
    // On its way before the handler can block or end this child.
    await this.#port.send({ kind: 'began' })
    const completion = await run.run(this.#tasking, taskLog(log, task))
    this.#run = undefined
    progress.flush()
    if (directory !== undefined) process.chdir(this.#home)
    await this.#port.send({ kind: 'ended', completion })
  }
}
