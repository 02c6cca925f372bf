export type { CallerTransaction, DrizzleTransaction } from './caller-transaction.ts'
export {
  SchemaMissingError,
  SchemaNewerError,
  SchemaOutdatedError,
  StoreRefusedError,
  UnsafeDriverError,
} from './errors.ts'
export type { VerbReport } from './instrument.ts'
export { migrate } from './migrate.ts'
export type { MigrateOptions } from './migrate.ts'
export type { MigrationReport } from './migrations.ts'
export type { NodePostgresHandle, NodePostgresPool } from './node-postgres.ts'
export type { PgStoreOptions, PgStoreSettings } from './options.ts'
export { pgStore } from './pg-store.ts'
export type { PgStore } from './pg-store.ts'
export type { PostgresJsClient, PostgresJsHandle } from './postgres-js.ts'
