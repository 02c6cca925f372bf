const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** A length of time in its two largest units, such as `2h 5m`, `4.2s` or `340ms`. */
export function timeText(ms: number): string {
  // Two clocks may differ by a little.
  const length = Math.max(0, Math.round(ms))
  if (length < 1_000) return `${length}ms`
  if (length < 60_000) return `${(Math.floor(length / 100) / 10).toString()}s`
  const largest = units.findIndex(([, size]) => length >= size)
  const parts = units.slice(largest, largest + 2).map(([unit, size], index) => {
    const left = index === 0 ? length : length % (units[largest]?.[1] ?? 1)
    return `${Math.floor(left / size)}${unit}`
  })
  return parts.join(' ')
}
