/** How bad a finding is: as it should be, worth a look, or broken. */
export type Severity = 'ok' | 'warning' | 'error'

/** What the doctor has found out about one thing. */
export interface Finding {
  /** What was looked at, or the code of an error. Compare this, never the message. */
  readonly code: string
  readonly severity: Severity
  readonly message: string
  /** What to do about it. */
  readonly advice?: string
}

/** The first of many alike, and how many are left. */
export function firstOf(findings: readonly Finding[], most: number): Finding[] {
  const first = findings.slice(0, most)
  const last = first.at(-1)
  if (last === undefined || findings.length === first.length) return first
  const { code, severity } = last
  const left = findings.length - first.length
  return [...first, { code, severity, message: `${left} more of the same.` }]
}
