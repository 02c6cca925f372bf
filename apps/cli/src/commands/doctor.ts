import { Command } from 'commander'
import { dim, green, red, yellow } from 'yoctocolors'
import type { Finding, Severity } from '@tasking/store-pg'
import { placeOf } from '../connection.ts'
import { globalFlags } from '../global-flags.ts'
import { note, print, printJson } from '../output.ts'
import { table } from '../table.ts'
import type { Column } from '../table.ts'

const more = `
Looks at the server and the connection, at the schema (compared with a fresh one, which is made in a
transaction and taken back), at workers, tasks and places in line, and at what holds back vacuum.
Nothing is changed. Ask with the connection string that your workers have.

Exit codes: 0 no errors, perhaps warnings; 1 errors; 2 wrong usage.

Examples:
  tasking doctor --database-url postgres://localhost/app
  tasking doctor --json | jq '.[] | select(.severity != "ok")'`

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Look for what is wrong with the database, and say what to do.')
    .addHelpText('after', more)
    .action(async (_flags: unknown, command: Command) => {
      const { doctor } = await import('@tasking/store-pg')
      const findings = await doctor(placeOf(command))
      const [errors = 0, warnings = 0] = (['error', 'warning'] as const).map(
        (severity) => findings.filter((finding) => finding.severity === severity).length,
      )
      if (errors > 0) process.exitCode = 1
      if (globalFlags(command).json) return printJson(findings)
      print(table(columns, findings.flatMap(linesOf)))
      note(`${counted(errors, 'error')}, ${counted(warnings, 'warning')}.`)
    })
}

interface Line {
  readonly text: string
  readonly finding?: Finding
}

/** Each finding and, after the last one that has it, the advice. */
function linesOf(finding: Finding, index: number, findings: readonly Finding[]): Line[] {
  const { message: text, advice } = finding
  const said = advice === undefined || findings[index + 1]?.advice === advice
  return [{ text, finding }, ...(said ? [] : [{ text: `→ ${advice}` }])]
}

const paints: Readonly<Record<Severity, (text: string) => string>> = {
  ...{ ok: green, warning: yellow, error: red },
}

const columns: readonly Column<Line>[] = [
  {
    title: 'VERDICT',
    text: ({ finding }) => finding?.severity ?? '',
    paint: (text, { finding }) => paints[finding?.severity ?? 'ok'](text),
  },
  { title: 'CODE', text: ({ finding }) => finding?.code ?? '' },
  {
    title: 'FINDING',
    text: ({ text }) => text,
    paint: (text, { finding }) => (finding === undefined ? dim(text) : text),
  },
]

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
