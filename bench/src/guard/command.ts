import { Command } from 'commander'
import { table } from '../report/table.ts'
import { growths, readBaseline, writeBaseline } from './baseline.ts'
import type { Counts } from './counts.ts'
import { guardCounts, startGuardServer } from './guarded-work.ts'

const titles: Readonly<Record<keyof Counts, string>> = {
  statements: 'statements',
  nested: 'nested',
  commits: 'commits',
  walBytes: 'WAL B',
  buffers: 'pages',
  rows: 'rows written',
}

export function guardCommand(): Command {
  return new Command('guard')
    .description('Counts what a task costs the database, and compares it with bench/guard.json.')
    .option('--record', 'make what is counted now the new measure')
    .action(async ({ record = false }: { readonly record?: boolean }) => {
      await using server = await startGuardServer()
      const counts = await guardCounts(server)
      const figures = Object.keys(titles) as (keyof Counts)[]
      const rows = Object.entries(counts).map(([what, one]) => [
        what,
        ...figures.map((figure) => one[figure].toFixed(2)),
      ])
      process.stdout.write(`${table([['per task', ...Object.values(titles)], ...rows])}\n`)
      if (record) {
        process.stderr.write(`  ${writeBaseline(counts)}\n`)
        return
      }
      for (const { what, figure, before, now } of growths(counts, readBaseline())) {
        process.stdout.write(
          `  GROWN   ${what}, ${titles[figure as keyof Counts]}: ${before} to ${now}\n`,
        )
        process.exitCode = 1
      }
    })
}
