import { TaskingError } from '@tasking/core'
import { onSite } from './administration.ts'
import type { DatabaseOptions, Site } from './administration.ts'
import { examineAutovacuum } from './doctor/autovacuum.ts'
import { examineDrift } from './doctor/drift.ts'
import { perform, usualLimits } from './doctor/examination.ts'
import type { Check, Examination, Limits } from './doctor/examination.ts'
import type { Finding } from './doctor/finding.ts'
import { examineHousekeeping } from './doctor/housekeeping.ts'
import { examineOpenTransactions } from './doctor/open-transactions.ts'
import { examineMissingReservations, examineStrayReservations } from './doctor/reservations.ts'
import { examineRights } from './doctor/rights.ts'
import { examineConnection, examineIsolation, examineServer } from './doctor/server.ts'
import { examineLedger, examineVersion } from './doctor/version.ts'
import { examineUnserved, examineWorkers } from './doctor/workers.ts'
import { translated } from './errors.ts'
import { releasedMigrations } from './migration-files.ts'
import type { Migration } from './migration-files.ts'

export type DoctorOptions = DatabaseOptions

const checks: readonly Check[] = [
  { code: 'rights', run: examineRights },
  { code: 'ledger', run: examineLedger },
  { code: 'drift', run: examineDrift, creates: true },
  { code: 'workers', run: examineWorkers },
  { code: 'housekeeping', run: examineHousekeeping },
  { code: 'unserved_tasks', run: examineUnserved },
  { code: 'open_transactions', run: examineOpenTransactions },
  { code: 'autovacuum', run: examineAutovacuum },
  { code: 'stray_reservations', run: examineStrayReservations },
  { code: 'missing_reservations', run: examineMissingReservations },
]

/**
 * Examines a database: the server, the connection, the schema against this code, and what is in
 * it. Changes nothing; to find drift it creates a schema in a transaction that it takes back.
 * @returns at least one finding for each check that could be made; a database that can't be
 *   reached is a finding, too
 * @throws InvalidOptionError
 */
export async function doctor(options: DoctorOptions): Promise<Finding[]> {
  return onSite(options, (site) => examine(site))
}

/** The same, with other migrations and limits than the code's own. */
export async function examine(
  site: Site,
  {
    migrations = releasedMigrations(),
    limits = {},
  }: { readonly migrations?: readonly Migration[]; readonly limits?: Partial<Limits> } = {},
): Promise<Finding[]> {
  const { pool, schema } = site
  const examination: Omit<Examination, 'connection'> = {
    ...{ schema, migrations, limits: { ...usualLimits, ...limits } },
  }
  const connection = await answered(site, examineConnection)
  // Nothing that such a connection says would be worth much.
  if (connection.some(({ severity }) => severity === 'error')) return connection
  const server = await answered(site, examineServer)
  const isolation = await answered(site, examineIsolation)
  const version = await answered(site, () => examineVersion({ ...examination, connection: pool }))
  const found = [...connection, ...server, ...isolation, ...version]
  if (version.some(({ code }) => without.has(code))) return found
  for (const check of checks) found.push(...(await perform(check, pool, examination)))
  return found
}

// What leaves nothing to be examined.
const without: ReadonlySet<string> = new Set([
  'store_unavailable',
  'store_refused',
  'schema_missing',
])

/** What a check finds, be it by an error of Tasking's own. */
async function answered(site: Site, check: (site: Site) => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check(site)
  } catch (cause) {
    const error = translated(cause, { address: site.pool.address, schema: site.schema })
    if (!(error instanceof TaskingError)) throw error
    const { code, message } = error
    return [{ code, severity: 'error', message }]
  }
}
