/** A whole number with its thousands apart, and what it counts. */
export function count(number: number, one?: string, many = `${one}s`): string {
  const digits = Math.round(number).toLocaleString('en-US')
  return one === undefined ? digits : `${digits} ${number === 1 ? one : many}`
}
