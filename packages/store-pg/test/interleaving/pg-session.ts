import type { Look, TaskState, WorkerId } from '@tasking/core'
import { systemClock, TaskCanceledError, TaskLostError, workerStopped } from '@tasking/core'
import type postgres from 'postgres'
import { Refused } from '../../../core/test/interleaving/engine.ts'
import type { Housekeeping, Isolation, Session } from '../../../core/test/interleaving/engine.ts'
import { ClaimFloors } from '../../src/claim-floors.ts'
import type { Connection } from '../../src/connection.ts'
import { codeOf } from '../../src/errors.ts'
import { postgresJsConnection } from '../../src/postgres-js.ts'
import { complete } from '../../src/verbs/complete.ts'
import { dispatch, dispatchOnce } from '../../src/verbs/dispatch.ts'
import { turn } from '../../src/verbs/turn.ts'

const schema = 'tasking'

const refusals: Readonly<Record<string, Refused['code']>> = {
  TK001: 'worker_missing',
  TK002: 'resources_busy',
  TK004: 'transaction_isolation',
  '40P01': 'deadlock',
  '57014': 'interrupted',
}

/** A client on a connection of its own. */
export class PgSession implements Session {
  readonly name: string
  readonly pid: number
  readonly #sql: postgres.Sql
  readonly #connection: Connection
  readonly #interrupt: (pid: number) => Promise<void>
  readonly #onAnswer: () => void
  readonly #claimFloors = new ClaimFloors(systemClock)
  #underWay = 0
  #inTransaction = false

  constructor(
    name: string,
    pid: number,
    sql: postgres.Sql,
    interrupt: (pid: number) => Promise<void>,
    onAnswer: () => void,
  ) {
    this.name = name
    this.pid = pid
    this.#sql = sql
    this.#connection = postgresJsConnection(sql, name, true)
    this.#interrupt = interrupt
    this.#onAnswer = onAnswer
  }

  /** Whether a statement has no answer yet. */
  get isBusy(): boolean {
    return this.#underWay > 0
  }

  get isOpen(): boolean {
    return this.#inTransaction
  }

  dispatch: Session['dispatch'] = (tasks) =>
    this.#verb((connection) =>
      this.#inTransaction
        ? dispatch(connection, schema, tasks)
        : dispatchOnce(connection, schema, tasks),
    )

  turn: Session['turn'] = (ask) =>
    this.#verb(
      async (connection) => (await turn(connection, schema, this.#claimFloors, ask)).result,
    )

  cancel: Session['cancel'] = (id) =>
    this.#verb(async (connection) => {
      const [row] = await connection.query(
        `select found_state, looks from "${schema}".cancel($1::text::uuid, 'as it happens')`,
        [id],
      )
      const [found, looks] = row as [TaskState | null, readonly Look[]]
      return { found, looks }
    })

  complete: Session['complete'] = (completion) =>
    this.#verb(async (connection) => {
      try {
        await complete(connection, schema, completion)
        return null
      } catch (error) {
        if (error instanceof TaskLostError) return 'lost'
        if (error instanceof TaskCanceledError) return 'canceling'
        throw error
      }
    })

  look: Session['look'] = (looks) =>
    this.#verb(async (connection) => {
      const [row] = await connection.query(
        `select looks from "${schema}".release(null, null, null, $1::text::jsonb)`,
        [JSON.stringify(looks)],
      )
      const [rest] = row as [readonly Look[]]
      return { looks: rest }
    })

  unregister: Session['unregister'] = (id: WorkerId) =>
    this.#verb(async (connection) => {
      const [row] = await connection.query(
        `select lost, looks from "${schema}".lose_worker($1::text::uuid, $2::text::jsonb)`,
        [id, JSON.stringify(workerStopped)],
      )
      const [lost, looks] = row as [number, readonly Look[]]
      return { lost, looks }
    })

  housekeep: Session['housekeep'] = (sweep) =>
    this.#verb(async (connection) => {
      const [row] = await connection.query(`select "${schema}".housekeep($1::text::boolean)`, [
        String(sweep),
      ])
      const [document] = row as [Housekeeping & { readonly looks: readonly Look[] }]
      return document
    })

  begin(isolation: Isolation): void {
    this.#inTransaction = true
    // Goes ahead of the statement; if it fails, so does that.
    this.#sql.unsafe(`begin isolation level ${isolation}`).catch(() => undefined)
  }

  async commit(): Promise<void> {
    this.#inTransaction = false
    await this.#sql.unsafe('commit')
  }

  async rollback(): Promise<void> {
    this.#inTransaction = false
    await this.#sql.unsafe('rollback')
  }

  async interrupt(): Promise<void> {
    await this.#interrupt(this.pid)
  }

  async #verb<T>(run: (connection: Connection) => Promise<T>): Promise<T> {
    this.#underWay += 1
    try {
      return await run(this.#connection)
    } catch (error) {
      throw refused(error)
    } finally {
      this.#underWay -= 1
      this.#onAnswer()
    }
  }
}

function refused(error: unknown): unknown {
  const code = refusals[codeOf(error) ?? '']
  if (code === undefined) return error
  const detail =
    typeof error === 'object' && error !== null && 'detail' in error ? String(error.detail) : ''
  if (code !== 'resources_busy') return new Refused(code)
  const { resource, index } = JSON.parse(detail) as { resource: string; index: number }
  return new Refused(code, `${resource} ${index}`)
}
