import { Command, InvalidArgumentError, Option } from 'commander'
import { runBench } from './bench.ts'
import type { BenchFlags } from './bench.ts'
import { guardCommand } from './guard/command.ts'
import { positiveNumber, wholeNumber } from './number-flag.ts'
import { postgresFlag } from './postgres-flag.ts'
import { scenarios } from './scenarios/index.ts'
import { stressCommand } from './stress/command.ts'

const list = scenarios
  .map(({ name, description }) => `  ${name.padEnd(18)}${description}`)
  .join('\n')

export function createProgram(): Command {
  return new Command('bench')
    .description('Measures what the project claims of its speed, side by side in one run.')
    .argument('[scenarios...]', 'which ones; all of them unless told otherwise', checked)
    .addOption(postgresFlag())
    .addOption(new Option('--rounds <n>', 'how often each side is measured').argParser(wholeNumber))
    .addOption(
      new Option('--scale <x>', 'sizes in relation to the full ones')
        .argParser(positiveNumber)
        .default(1),
    )
    .addOption(
      new Option(
        '--minutes <n>',
        'how long scenarios last that are about time (default 10)',
      ).argParser(positiveNumber),
    )
    .option('--quick', 'small sizes, one round, two minutes: whether it works, not how fast it is')
    .option('--json', 'print the results as JSON')
    .addHelpText('after', `\nScenarios:\n${list}`)
    .enablePositionalOptions()
    .action((names: string[], flags: BenchFlags) => runBench(names, flags))
    .addCommand(stressCommand())
    .addCommand(guardCommand())
}

// Called for one name after the other.
function checked(name: string, before: string[] = []): string[] {
  if (scenarios.some((scenario) => scenario.name === name)) return [...before, name]
  throw new InvalidArgumentError(`It must be one of these, or nothing for all:\n${list}`)
}
