/** What a statement may carry; JSON goes as text, since drivers differ in everything else. */
export type Param = string | number | null

/** The little that the store needs of a driver: a statement in, rows as arrays out. */
export interface Connection {
  /** Where statements go, for messages: `host:port/database`, never with a password. */
  readonly address: string
  query(text: string, params?: readonly Param[]): Promise<unknown[][]>
}

/** A connection of its own that the store may use as it likes. */
export interface ConnectionPool extends Connection {
  /** Whether statements are prepared by name. */
  readonly prepares: boolean
  /** How many connections it may have. */
  readonly size: number
  /**
   * Runs on one connection that nobody else uses meanwhile, in transactions of its own making. Only
   * where the driver can do so.
   */
  keep?<T>(this: void, run: (connection: Connection) => Promise<T>): Promise<T>
  /** Runs on one connection within one transaction, rolled back if it throws. */
  transaction<T>(run: (connection: Connection) => Promise<T>): Promise<T>
  /**
   * The process id that the server named when connecting, and the one that answers now. They
   * differ behind a pooler.
   */
  backend(): Promise<{ readonly greeted: number | null; readonly answering: number }>
  close(): Promise<void>
}
