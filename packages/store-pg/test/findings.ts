import { systemClock } from '@tasking/core'
import type postgres from 'postgres'
import { examine } from '../src/doctor.ts'
import type { Finding } from '../src/doctor/finding.ts'
import { postgresJsPool } from '../src/postgres-js.ts'

/** What the doctor says of one code; everything but "ok", where none is named. */
export async function findingsOn(
  sql: postgres.Sql,
  schema: string,
  code?: string,
  options?: Parameters<typeof examine>[1],
): Promise<Finding[]> {
  const site = { pool: postgresJsPool(sql, false), schema, clock: systemClock }
  const findings = await examine(site, options)
  return findings.filter((finding) =>
    code === undefined ? finding.severity !== 'ok' : finding.code === code,
  )
}
