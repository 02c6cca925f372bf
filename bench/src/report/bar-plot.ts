import { color, escaped, image } from './svg.ts'

interface Bar {
  readonly name: string
  /** Undefined where it was not measured. */
  readonly value: number | undefined
}

/** One figure of all sides; the first of them is what the others are compared with. */
export interface BarPanel {
  readonly name: string
  readonly bars: readonly Bar[]
}

const width = 760
const left = 220
const right = 150
const barHeight = 18
const gap = 8
const panelHead = 34
const head = 36

/** A panel for each figure with a bar for each side, its value and its ratio, as an SVG image. */
export function barPlot(title: string, panels: readonly BarPanel[]): string {
  let y = head
  const parts = [`<text x="12" y="22" font-size="14">${escaped(title)}</text>`]
  for (const panel of panels) {
    parts.push(...panelParts(panel, y))
    y += panelHead + panel.bars.length * (barHeight + gap)
  }
  return image(width, y + gap, parts)
}

function panelParts({ name, bars }: BarPanel, y: number): string[] {
  const [base] = bars
  const most = Math.max(0, ...bars.map(({ value }) => value ?? 0)) || 1
  return [
    `<text x="12" y="${y + 20}" font-weight="bold">${escaped(name)}</text>`,
    ...bars.flatMap((bar, index) => {
      const top = y + panelHead + index * (barHeight + gap) - gap / 2
      const length = (((bar.value ?? 0) / most) * (width - left - right)).toFixed(1)
      const textY = top + barHeight - 5
      return [
        `<text x="${left - 8}" y="${textY}" text-anchor="end">${escaped(bar.name)}</text>`,
        `<rect x="${left}" y="${top}" width="${length}" height="${barHeight}" fill="${color(systemOf(bar) === systemOf(base) ? 0 : 1)}"/>`,
        `<text x="${left + Number(length) + 6}" y="${textY}" fill="#555">${escaped(label(bar, base))}</text>`,
      ]
    }),
  ]
}

// Sides of one system are called like it, up to the comma.
function systemOf(bar: Bar | undefined): string | undefined {
  return bar?.name.split(',')[0]
}

function label({ value }: Bar, base: Bar | undefined): string {
  if (value === undefined) return 'n/a'
  const digits = value >= 100 ? 0 : value >= 1 ? 2 : 3
  const ratio = base?.value ? ` (${(value / base.value).toFixed(2)}x)` : ''
  return `${value.toFixed(digits)}${ratio}`
}
