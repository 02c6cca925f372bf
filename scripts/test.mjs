// Runs the test suite; arguments go to vitest. The last line is the verdict: "N passed, N failed".
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitLike, run } from './child.mjs'
import { failures, line, verdict } from './verdict.mjs'

const directory = mkdtempSync(join(tmpdir(), 'tasking-test-'))
const reportFile = join(directory, 'report.json')
const args = [
  join('node_modules', 'vitest', 'vitest.mjs'),
  'run',
  '--reporter=default',
  '--reporter=json',
  '--reporter=./scripts/stray-errors.mjs',
  `--outputFile.json=${reportFile}`,
  ...process.argv.slice(2),
]

const { code } = await run(process.execPath, args)
const report = readReport()
const sum = verdict(report, code)
rmSync(directory, { recursive: true })

for (const failure of failures(report)) console.log(failure)
if (sum.passed === 0) console.log('No test passed.')
console.log(line(sum))

if (code > 128) exitLike(code)
else process.exitCode = code === 0 && sum.failed === 0 && sum.passed > 0 ? 0 : 1

function readReport() {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8'))
  } catch {
    return undefined
  }
}
