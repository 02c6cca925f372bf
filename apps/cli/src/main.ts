#!/usr/bin/env node
import module from 'node:module'
import { settleColors } from './colors.ts'

// A third of a short command's time is compiling. Node 20 can't.
module.enableCompileCache?.()
settleColors(process.argv, process.stdout)
// Only now, since what prints in color looks at the environment once, when it is loaded.
const { run } = await import('./run.ts')
const exitCode = await run(process.argv)
// What task modules leave open, such as a connection pool, must not keep the command from ending.
process.stdout.write('', () => process.exit(exitCode))
