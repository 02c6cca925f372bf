import { readLedger, versionOf } from '../ledger.ts'
import { checkSchema } from '../migrations.ts'
import type { Examination } from './examination.ts'
import type { Finding } from './finding.ts'

/** @throws SchemaMissingError, SchemaOutdatedError, SchemaNewerError */
export async function examineVersion({
  connection,
  schema,
  migrations,
}: Examination): Promise<Finding[]> {
  const { version, client } = await checkSchema(connection, schema, migrations)
  const message =
    version === client
      ? `The schema "${schema}" is at version ${version}, like this code.`
      : `The schema "${schema}" is at version ${version}, which allows this code (version ${client}).`
  return [{ code: 'version', severity: 'ok', message }]
}

/** Whether the ledger names the migrations that this code has. */
export async function examineLedger({
  connection,
  schema,
  migrations,
}: Examination): Promise<Finding[]> {
  const code = 'ledger'
  const ledger = await readLedger(connection, schema)
  const findings = migrations.slice(0, versionOf(ledger)).flatMap((migration): Finding[] => {
    const { version, name, hash, oldestClient } = migration
    const entry = ledger.find((candidate) => candidate.version === version)
    const advice =
      'A released migration never changes: find out who changed it, here or there. What that did to the schema shows as drift; what it did to the data does not.'
    if (entry === undefined) {
      const message = `The ledger lacks version ${version} (${name}), though newer ones are there.`
      return [{ code, severity: 'error', message, advice }]
    }
    if (entry.hash !== hash) {
      const message = `Version ${version} (${name}) was made by another text than this code has.`
      return [{ code, severity: 'error', message, advice }]
    }
    if (entry.oldestClient !== oldestClient) {
      const message = `The ledger allows clients from version ${entry.oldestClient} on at version ${version} (${name}), this code from ${oldestClient} on.`
      return [{ code, severity: 'error', message, advice }]
    }
    return []
  })
  if (findings.length > 0) return findings
  const message = 'The ledger has the migrations that this code has, unchanged.'
  return [{ code, severity: 'ok', message }]
}
