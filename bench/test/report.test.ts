import { expect, test } from 'vitest'
import { barPlot } from '../src/report/bar-plot.ts'
import { plot } from '../src/report/plot.ts'
import { table } from '../src/report/table.ts'

test('a table has its names to the left and its figures to the right', () => {
  expect(
    table([
      ['side', 'tasks/s'],
      ['nothing', '9'],
      ['x', '12345'],
    ]),
  ).toBe(['  side     tasks/s', '  nothing        9', '  x          12345'].join('\n'))
})

test('a plot has a panel for each series and a line for each side', () => {
  const side = (name: string, last: number) => ({
    name,
    series: [
      {
        name: 'rate',
        points: [
          [0, 0],
          [10, last],
        ] as const,
      },
      { name: 'ms', points: [[0, 1]] as const },
    ],
  })
  const svg = plot('a < b', [side('one', 10), side('two', 5)])
  expect(svg).toContain('a &lt; b')
  expect(svg.match(/<polyline/g)).toHaveLength(4)
  const [one = '', two = ''] = [...svg.matchAll(/points="([^"]*)"/g)].map(([, points]) => points)
  const lastHeight = (points: string) => Number(points.split(',').at(-1))
  const firstHeight = (points: string) => Number(points.split(' ')[0]?.split(',')[1])
  // Down is more in an image: half as high is half the way up.
  const rise = (points: string) => firstHeight(points) - lastHeight(points)
  expect(rise(one)).toBeGreaterThan(0)
  expect(rise(two)).toBeCloseTo(rise(one) / 2)
})

test('a bar plot has a panel for each figure, and each bar its value and ratio to the first', () => {
  const bars = [
    { name: 'one < two', value: 200 },
    { name: 'two', value: 50 },
    { name: 'three', value: undefined },
  ]
  const svg = barPlot('title', [
    { name: 'throughput', bars },
    { name: 'CPU', bars: bars.map(({ name }) => ({ name, value: 0 })) },
  ])
  expect(svg).toContain('one &lt; two')
  const widths = [...svg.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, text]) =>
    Number(text),
  )
  expect(widths).toEqual([390, 97.5, 0, 0, 0, 0])
  for (const text of ['200 (1.00x)', '50.00 (0.25x)', 'n/a', '0.000']) {
    expect(svg).toContain(`>${text}<`)
  }
})
