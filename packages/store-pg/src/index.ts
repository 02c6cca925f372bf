export type { CallerTransaction, DrizzleTransaction } from './caller-transaction.ts'
export { doctor } from './doctor.ts'
export type { DoctorOptions } from './doctor.ts'
export type { Finding, Severity } from './doctor/finding.ts'
export {
  SchemaMissingError,
  SchemaNewerError,
  SchemaOutdatedError,
  StoreRefusedError,
  TooManyLocksError,
  TransactionIsolationError,
  UnsafeDriverError,
} from './errors.ts'
export type { VerbReport } from './instrument.ts'
export { checkMigrations, migrate, migrationSql } from './migrate.ts'
export type { MigrateOptions, MigrationSql, MigrationSqlOptions } from './migrate.ts'
export type { MigrationReport, SchemaVersion } from './migrations.ts'
export type { NodePostgresHandle, NodePostgresPool } from './node-postgres.ts'
export type { PgStoreOptions, PgStoreSettings } from './options.ts'
export { pgStore } from './pg-store.ts'
export type { PgStore } from './pg-store.ts'
export type { PostgresJsClient, PostgresJsHandle } from './postgres-js.ts'
