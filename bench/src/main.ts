import { createProgram } from './program.ts'

// Some package managers pass the separator before the arguments on.
const args = process.argv.slice(2)
const program = createProgram()
await program.parseAsync(args[0] === '--' ? args.slice(1) : args, { from: 'user' })
