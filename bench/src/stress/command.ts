import { Command, Option } from 'commander'
import { startPostgres } from '@tasking/local-postgres'
import { positiveNumber, wholeNumber } from '../number-flag.ts'
import { postgresFlag } from '../postgres-flag.ts'
import { isSound } from './judge.ts'
import { runStress } from './stress.ts'
import { stressText } from './verdict-text.ts'

interface StressFlags {
  readonly minutes: number
  readonly processes: number
  readonly seed: number
  readonly postgres?: string
  readonly quick?: boolean
  readonly json?: boolean
}

const quickSeconds = 20
const maxConnections = 300

const more = `
Processes dispatch, singly, in batches and within transactions, work and cancel, while workers are
killed and replaced and sessions of the server are ended. What dispatchers and handlers noted
themselves is the evidence. Tasks that died with their worker are failed, as they should be.

Exit code: 0; 1 if anything overlapped, overtook, got stuck or got lost.`

export function stressCommand(): Command {
  return new Command('stress')
    .description('Everything at once, with processes that are killed; ends with a verdict.')
    .addOption(new Option('--minutes <n>', 'for how long').argParser(positiveNumber).default(10))
    .addOption(new Option('--processes <n>', 'how many').argParser(wholeNumber).default(8))
    .addOption(new Option('--seed <n>', 'of what is dispatched').argParser(wholeNumber).default(1))
    .addOption(postgresFlag())
    .option('--quick', `${quickSeconds} seconds`)
    .option('--json', 'print the verdict as JSON')
    .addHelpText('after', more)
    .action(async (flags: StressFlags) => {
      const { postgres: binDir, quick = false, json = false, ...options } = flags
      const seconds = quick ? quickSeconds : flags.minutes * 60
      await using server = await startPostgres({ maxConnections, ...(binDir && { binDir }) })
      const url = await server.createDatabase('stress')
      const note = (text: string) => void process.stderr.write(`${text}\n`)
      note(`PostgreSQL ${server.version}, ${options.processes} processes, ${seconds} s`)
      const result = await runStress({ ...options, url, seconds }, note)
      const text = json ? JSON.stringify(result, null, 2) : stressText(result)
      process.stdout.write(`${text}\n`)
      if (!isSound(result.verdict)) process.exitCode = 1
    })
}
