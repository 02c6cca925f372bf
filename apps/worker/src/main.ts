#!/usr/bin/env node
import module from 'node:module'
import { reportFailure } from './failure.ts'
import { forgetEmptyVariables } from './flag-values.ts'
import { createProgram } from './program.ts'

// What is loaded when it is needed starts sooner the next time. Node 20 can't.
module.enableCompileCache?.()
let exitCode = 0
try {
  forgetEmptyVariables()
  await createProgram(async (flags) => {
    // Loaded when it is needed, so that --help is quick.
    if (flags.reload) {
      const { runReloading } = await import('./reload.ts')
      exitCode = await runReloading(import.meta.filename)
    } else {
      const { runDaemon } = await import('./daemon.ts')
      await runDaemon(flags)
    }
  }).parseAsync()
} catch (error) {
  exitCode = reportFailure(error)
}
// What task modules leave open, such as a connection pool, must not keep a stopped worker alive.
process.exit(exitCode)
