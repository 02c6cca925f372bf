import pg from 'pg'

/**
 * A dispatcher's own transactions. On node-postgres, since a transaction of postgres.js goes on
 * when its session has ended, on a session that may have somebody else's transaction open by then.
 */
export class Transactions {
  readonly #pool: pg.Pool

  constructor(url: string, max: number) {
    this.#pool = new pg.Pool({ connectionString: url, max })
    // Sessions are ended on purpose; the statement that meets it says so.
    this.#pool.on('error', () => undefined)
    this.#pool.on('connect', (client) => client.on('error', () => undefined))
  }

  /** Runs within a transaction, which is rolled back when `work` throws. */
  async run(work: (tx: pg.PoolClient) => Promise<void>): Promise<void> {
    const client = await this.#pool.connect()
    let broken = false
    try {
      await client.query('begin')
      await work(client)
      await client.query('commit')
    } catch (error) {
      await client.query('rollback').catch(() => (broken = true))
      throw error
    } finally {
      client.release(broken)
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}
