import { stripVTControlCharacters as stripAnsi } from 'node:util'
import { expect, test } from 'vitest'
import { table } from '../src/table.ts'
import { timeText } from '../src/time-text.ts'

const columns = [
  { title: 'ID', text: ([id]: string[]) => id ?? '' },
  { title: 'N', text: ([, n]: string[]) => n ?? '', align: 'right' as const },
  { title: 'TEXT', text: ([, , text]: string[]) => text ?? '', shrinks: true },
]

test('columns are as wide as their widest cell', () => {
  const rows = [
    ['a', '1', 'short'],
    ['bbb', '100', '漢字'],
  ]
  expect(stripAnsi(table(columns, rows, 80))).toBe(
    ['ID     N  TEXT', 'a      1  short', 'bbb  100  漢字'].join('\n'),
  )
})

test('what may shrink does so until the table fits', () => {
  const rows = [['a', '1', 'x'.repeat(100)]]
  const [, line = ''] = stripAnsi(table(columns, rows, 40)).split('\n')
  expect(line).toBe(`a   1  ${'x'.repeat(32)}…`)
  expect(stripAnsi(table(columns, rows, 5)).split('\n')[1]).toBe(`a   1  ${'x'.repeat(11)}…`)
})

test('what would drive the terminal is shown instead', () => {
  expect(stripAnsi(table(columns, [['a', '1', '\u001B[2J\n']], 80))).toContain('\\u001b[2J\\n')
})

test.for<[number, string]>([
  [-5, '0ms'],
  [340, '340ms'],
  [999.6, '1s'],
  [4_250, '4.2s'],
  [59_999, '59.9s'],
  [200_000, '3m 20s'],
  [7_500_000, '2h 5m'],
  [90_000_000, '1d 1h'],
])('%d ms read %s', ([ms, words]) => {
  expect(timeText(ms)).toBe(words)
})
