// Starts PgBouncer, tells its port, and stays.
import { startPgBouncer } from '../../src/pgbouncer.ts'

const { port } = await startPgBouncer({ url: process.argv[2] ?? '' })
console.log(`port ${port}`)
setInterval(() => undefined, 1000)
