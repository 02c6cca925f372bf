import type { Look, NewTask } from '../../src/index.ts'
import type { View } from './books.ts'
import type { Isolation, Session } from './engine.ts'
import { Refused } from './engine.ts'
import type { Circumstances } from './judge-dispatch.ts'
import type { Reach } from './reach.ts'

/** One round trip to the store, and what the model makes of its answer. */
export interface Statement {
  readonly text: string
  /** How many things it does that may each wait for somebody: with two it can form a lock cycle. */
  readonly things: number
  /** As the world is now. */
  readonly reach: () => Reach
  ask(session: Session): Promise<Reply>
  /** It was refused, or its transaction was rolled back. */
  undone(refused?: Refused): void
}

interface Reply {
  readonly text: string
  readonly refused?: Refused
  judge(view: View, circumstances: Circumstances): void
  /** It is committed: its client goes by the answer. */
  done(): void
}

/** Puts a verb and its judgement together. */
export function statement<Answer>(
  parts: Pick<Statement, 'text' | 'reach'> & {
    readonly things?: number
    send(session: Session): Promise<Answer>
    judge(view: View, answer: Answer | Refused, circumstances: Circumstances): void
    tell?(answer: Answer): string
    done?(answer: Answer): void
    undone?(refused?: Refused): void
  },
): Statement {
  const { text, reach, things = 1 } = parts
  return {
    ...{ text, reach, things },
    undone: (refused) => parts.undone?.(refused),
    ask: async (session) => {
      const answer = await parts.send(session).catch(refusalOf)
      const refused = answer instanceof Refused ? answer : undefined
      const stopped = refused?.code === 'deadlock' || refused?.code === 'interrupted'
      return {
        text: answer instanceof Refused ? answer.message : (parts.tell?.(answer) ?? 'done'),
        ...(refused !== undefined && { refused }),
        judge: (view, circumstances) => stopped || parts.judge(view, answer, circumstances),
        done: () => answer instanceof Refused || parts.done?.(answer),
      }
    },
  }
}

function refusalOf(error: unknown): Refused {
  if (error instanceof Refused) return error
  throw error
}

export interface Transaction {
  readonly isolation: Isolation
  /** Whether the client puts several statements into it; else it only holds the commit back. */
  readonly isCallers: boolean
  /** It must be rolled back. */
  doomed: boolean
  /** What it has dispatched, or tries to. */
  readonly batches: (readonly NewTask[])[]
  readonly done: Done[]
}

/** A statement of a transaction, and what it may hold until the end of that. */
interface Done {
  readonly statement: Statement
  readonly reply: Reply
  readonly reaches: readonly Reach[]
}

/** A statement that has no answer yet, or one that nobody has taken in. */
export interface Asked {
  readonly statement: Statement
  readonly answer: Promise<void>
  /** As the world was when it was sent. */
  readonly reach: Reach
  waited: boolean
  reply?: Reply
}

/** Whoever has a connection: it dispatches, or carries the turns of workers and their handlers. */
export class Client {
  readonly session: Session
  /** What its own cancels, dispatches and housekeeping have left to look at. */
  looks: readonly Look[] = []
  transaction: Transaction | undefined
  asked: Asked | undefined

  constructor(session: Session) {
    this.session = session
  }

  get name(): string {
    return this.session.name
  }

  get isIdle(): boolean {
    return this.asked === undefined && this.transaction === undefined
  }

  /** How many things it does that may each wait, in one transaction. */
  get things(): number {
    const done = this.transaction?.done ?? []
    const { asked } = this
    return [...done, ...(asked ? [asked] : [])].reduce((sum, one) => sum + one.statement.things, 0)
  }

  /** Whether it can put one more statement into what it does. */
  get isReady(): boolean {
    const { asked, transaction } = this
    return asked === undefined && (transaction?.isCallers ?? true) && !transaction?.doomed
  }
}
