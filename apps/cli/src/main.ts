#!/usr/bin/env node
import { settleColors } from './colors.ts'

settleColors(process.argv, process.stdout)
// Only now, since what prints in color looks at the environment once, when it is loaded.
const { run } = await import('./run.ts')
const exitCode = await run(process.argv)
// What task modules leave open, such as a connection pool, must not keep the command from ending.
process.stdout.write('', () => process.exit(exitCode))
