import type postgres from 'postgres'

const rolledBack = new Error('rolled back on purpose')

/** A transaction that has done something, and stays open until a test ends it. */
export class OpenTransaction implements AsyncDisposable {
  readonly #ended: Promise<unknown>
  readonly #end: (how: 'commit' | 'rollback') => void

  private constructor(ended: Promise<unknown>, end: (how: 'commit' | 'rollback') => void) {
    this.#ended = ended
    this.#end = end
  }

  /** Resolves when it has done its work. */
  static async begin(
    sql: postgres.Sql,
    work: (tx: postgres.TransactionSql) => Promise<unknown>,
  ): Promise<OpenTransaction> {
    let end: (how: 'commit' | 'rollback') => void = () => undefined
    const decision = new Promise<'commit' | 'rollback'>((resolve) => (end = resolve))
    let ended: Promise<unknown> = decision
    await new Promise<void>((resolve, reject) => {
      ended = sql.begin(async (tx) => {
        await work(tx)
        resolve()
        if ((await decision) === 'rollback') throw rolledBack
      })
      ended.catch(reject)
    })
    return new OpenTransaction(ended, end)
  }

  async commit(): Promise<void> {
    this.#end('commit')
    await this.#ended
  }

  async rollback(): Promise<void> {
    this.#end('rollback')
    await this.#ended.catch((error: unknown) => {
      if (error !== rolledBack) throw error
    })
  }

  /** Rolls it back unless it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end('rollback')
    await this.#ended.catch(() => undefined)
  }
}
