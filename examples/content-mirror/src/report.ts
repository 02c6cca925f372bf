import type { MirrorReport, Outcome } from './mirror.ts'

const figures = ['version', 'files', 'new', 'deduplicated', 'bytes', 'removed', 'kept']

/** A line for a task that has ended, with the figures of its result. */
export function outcomeLine({ task, subject, seconds, result, error }: Outcome): string {
  const found = new Map<string, unknown>(Object.entries(result ?? {}))
  const words = figures.flatMap((name) => {
    const value = found.get(name)
    if (typeof value !== 'number') return []
    return [name === 'bytes' ? bytes(value) : `${name} ${count(value)}`]
  })
  const start = `${task.padEnd(8)} ${subject.padEnd(14)} ${time(seconds).padStart(8)}`
  return `${start}  ${error ?? words.join(', ')}`
}

/** The closing table, and what it comes to. */
export function summary(report: MirrorReport): string[] {
  const synced = report.syncs.flatMap(({ subject, seconds, result }) =>
    result ? [{ name: `${subject} v${result.version}`, seconds, ...result }] : [],
  )
  const sum = (column: 'files' | 'new' | 'newBytes' | 'deduplicated' | 'bytes' | 'seconds') =>
    synced.reduce((total, row) => total + row[column], 0)
  const total = {
    name: 'total',
    ...{ files: sum('files'), new: sum('new'), deduplicated: sum('deduplicated') },
    ...{ bytes: sum('bytes'), seconds: sum('seconds') },
  }
  const rows = [...synced, total].map((row) => [
    row.name,
    ...[row.files, row.new, row.deduplicated].map(count),
    bytes(row.bytes),
    time(row.seconds),
  ])
  const newBytes = sum('newBytes')
  const ratio = newBytes > 0 ? ` (${(total.bytes / newBytes).toFixed(2)} to 1)` : ''
  return [
    ...table([['repository', 'files', 'new', 'deduplicated', 'bytes', 'time'], ...rows]),
    '',
    `${bytes(total.bytes)} mirrored, ${bytes(newBytes)} of it stored${ratio}.`,
    verdict(report),
  ]
}

/** Whether everything ran, and every published file has the checksum that it should have. */
export function isGood({ syncs, publications, verifications, clean }: MirrorReport): boolean {
  return [...syncs, ...publications, ...verifications, clean].every(
    ({ error }) => error === undefined,
  )
}

function verdict(report: MirrorReport): string {
  const files = report.verifications.reduce((sum, { result }) => sum + (result?.files ?? 0), 0)
  const good = report.verifications.filter(({ result }) => result !== undefined).length
  const verified = `${good} of ${report.verifications.length} publications verified`
  return isGood(report)
    ? `OK: ${verified}, ${count(files)} checksums match.`
    : `FAILED: ${verified}; see above for what went wrong.`
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)
  return rows.map((row) => row.map(pad).join('  '))
}

const wholeNumber = new Intl.NumberFormat('en')
const megabytes = new Intl.NumberFormat('en', {
  maximumFractionDigits: 1,
  minimumFractionDigits: 1,
})

const count = (value: number): string => wholeNumber.format(value)
const bytes = (value: number): string => `${megabytes.format(value / 1_000_000)} MB`
const time = (seconds: number): string => `${seconds.toFixed(2)} s`
