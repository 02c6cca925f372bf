import type { Series } from '../measure/sample.ts'
import { color, escaped, image } from './svg.ts'

/** The course of one side. */
export interface PlottedSide {
  readonly name: string
  readonly series: readonly Series[]
}

const width = 640
const panelHeight = 170
const left = 70
const right = 20
const top = 28
const bottom = 26

/** One panel for each series, with a line for each side, as an SVG image. */
export function plot(title: string, sides: readonly PlottedSide[]): string {
  const names = sides[0]?.series.map(({ name }) => name) ?? []
  const head = 48
  const height = head + names.length * panelHeight
  const legend = sides.map(
    ({ name }, index) =>
      `<text x="${left + index * 200}" y="40" fill="${color(index)}">■ ${escaped(name)}</text>`,
  )
  const panels = names.map((name, index) => panel(name, sides, head + index * panelHeight))
  return image(width, height, [
    `<text x="${left}" y="20" font-size="14">${escaped(title)}</text>`,
    ...legend,
    ...panels,
  ])
}

function panel(name: string, sides: readonly PlottedSide[], y: number): string {
  const lines = sides.map(({ series }) => series.find((one) => one.name === name)?.points ?? [])
  const all = lines.flat()
  const maxX = Math.max(1, ...all.map(([x]) => x))
  const maxY = roundUp(Math.max(0, ...all.map(([, value]) => value)))
  const low = y + panelHeight - bottom
  const high = y + top
  const placeX = (x: number) => (left + (x / maxX) * (width - left - right)).toFixed(1)
  const placeY = (value: number) => (low - (value / maxY) * (low - high)).toFixed(1)
  const marks = [0, 0.5, 1].map((part) => {
    const at = placeY(maxY * part)
    return (
      `<line x1="${left}" x2="${width - right}" y1="${at}" y2="${at}" stroke="#ddd"/>` +
      `<text x="${left - 6}" y="${Number(at) + 4}" text-anchor="end" fill="#555">${maxY * part}</text>`
    )
  })
  const curves = lines.map((points, index) => {
    const path = points.map(([x, value]) => `${placeX(x)},${placeY(value)}`).join(' ')
    return `<polyline points="${path}" fill="none" stroke="${color(index)}" stroke-width="2"/>`
  })
  return [
    `<text x="${left}" y="${y + 18}" font-weight="bold">${escaped(name)}</text>`,
    ...marks,
    `<text x="${width - right}" y="${low + 16}" text-anchor="end" fill="#555">${maxX.toFixed(0)} s</text>`,
    ...curves,
  ].join('\n')
}

/** To 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 2, 5, 10].find((step) => step * power >= value) ?? 10
  return factor * power
}
