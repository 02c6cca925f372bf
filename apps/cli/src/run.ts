import { reportFailure } from './failure.ts'
import { createProgram } from './program.ts'

/** Runs a command line. @returns the exit code */
export async function run(argv: readonly string[]): Promise<number> {
  // A reader that has seen enough, such as `head`, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1)
  })
  try {
    await createProgram().parseAsync(argv)
    return Number(process.exitCode ?? 0)
  } catch (error) {
    return reportFailure(error, argv.includes('--json'))
  }
}
