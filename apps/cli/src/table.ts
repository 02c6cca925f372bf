import cliTruncate from 'cli-truncate'
import stringWidth from 'string-width'
import { bold } from 'yoctocolors'
import { printable } from './printable.ts'

export interface Column<Row> {
  readonly title: string
  text(row: Row): string
  /** Colors the text, once it is shortened. */
  readonly paint?: (text: string, row: Row) => string
  readonly align?: 'right'
  /** May be shortened so that the table fits. */
  readonly shrinks?: boolean
}

const gap = '  '
const narrowest = 12

/** Rows below titles. @param width what it should fit into; no limit where nobody watches */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number = process.stdout.columns ?? Infinity,
): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.text(row))))
  const widths = columns.map(({ title }, index) =>
    cells.reduce(
      (widest, line) => Math.max(widest, stringWidth(line[index] ?? '')),
      stringWidth(title),
    ),
  )
  shrink(columns, widths, width)
  const line = (fitted: (column: Column<Row>, index: number) => string) =>
    columns.map(fitted).join(gap).trimEnd()
  const titles = line((column, i) => fit(column, column.title, widths[i], bold))
  const lines = rows.map((row, at) =>
    line((column, i) =>
      fit(column, cells[at]?.[i], widths[i], (text) => column.paint?.(text, row) ?? text),
    ),
  )
  return [titles, ...lines].join('\n')
}

function shrink(columns: readonly Column<never>[], widths: number[], width: number): void {
  const total = widths.reduce((sum, one) => sum + one, gap.length * (columns.length - 1))
  let excess = total - width
  // The last ones first: what tells the rows apart comes first.
  for (let index = columns.length - 1; index >= 0 && excess > 0; index -= 1) {
    const own = widths[index] ?? 0
    if (!columns[index]?.shrinks || own <= narrowest) continue
    widths[index] = Math.max(narrowest, own - excess)
    excess -= own - (widths[index] ?? 0)
  }
}

function fit(
  { align }: Column<never>,
  text = '',
  width = 0,
  paint: (text: string) => string,
): string {
  const short = stringWidth(text) > width ? cliTruncate(text, width) : text
  const rest = ' '.repeat(width - stringWidth(short))
  return align === 'right' ? rest + paint(short) : paint(short) + rest
}
