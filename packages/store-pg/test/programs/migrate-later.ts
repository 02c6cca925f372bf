import postgres from 'postgres'
import { migrateSchema } from '../../src/migrations.ts'
import { postgresJsPool } from '../../src/postgres-js.ts'
import { additions, withLater } from '../later-versions.ts'

const [url = '', schema = ''] = process.argv.slice(2)
const client = postgres(url, { max: 1, prepare: false, fetch_types: false, onnotice: () => {} })
const pool = postgresJsPool(client, true)
console.log(JSON.stringify(await migrateSchema(pool, schema, withLater(additions))))
await pool.close()
