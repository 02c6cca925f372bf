import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startWorker } from './worker-process.ts'

const modules = {
  broken: fileURLToPath(new URL('./fixtures/broken.ts', import.meta.url)),
  nothing: fileURLToPath(new URL('./fixtures/nothing.ts', import.meta.url)),
  twin: fileURLToPath(new URL('./fixtures/twin.ts', import.meta.url)),
}
const url = 'postgres://user:secret@127.0.0.1:1/nowhere'

test.for<[string, string[], RegExp]>([
  [
    'no task modules',
    ['--database-url', url],
    /name their modules with --tasks, or in TASKING_TASKS\. \[invalid_usage\]/,
  ],
  [
    'no database',
    ['--tasks', './tasks.ts'],
    /--database-url, or in TASKING_DATABASE_URL\. \[invalid_usage\]/,
  ],
  [
    'a module that is not there',
    ['--tasks', './gone.ts', '--database-url', url],
    /\.\/gone\.ts was not found: .* \[task_module_not_found\]/,
  ],
  [
    'a module without tasks',
    ['--tasks', modules.nothing, '--database-url', url],
    /\[task_module_empty\]/,
  ],
  [
    'two tasks of one name',
    ['--tasks', './tasks.ts', modules.twin, '--database-url', url],
    /"double".*\[duplicate_task\]/,
  ],
  [
    'an option that is out of range',
    ['--tasks', './tasks.ts', '--database-url', url, '--ttl', '1ms'],
    /ttl: "1ms" is not a duration from 1s to 1d\. \[invalid_option\]/,
  ],
  [
    'a number that is none',
    ['--concurrency', 'many'],
    /--concurrency <n>' argument 'many' is invalid.*\[invalid_usage\]/,
  ],
  [
    'a duration without a unit',
    ['--grace', '10'],
    /--grace <duration>' argument '10' is invalid.*\[invalid_usage\]/,
  ],
  [
    'an isolation that there is not',
    ['--isolation', 'container'],
    /--isolation <kind>' argument 'container' is invalid.*\[invalid_usage\]/,
  ],
  [
    'a period of no duty',
    ['--housekeeping', 'sweep'],
    /--housekeeping <duty=period...>' argument 'sweep' is invalid.*\[invalid_usage\]/,
  ],
  [
    'a duty that there is not',
    ['--tasks', './tasks.ts', '--database-url', url, '--housekeeping', 'sweep=1m', 'dusting=1h'],
    /housekeeping: "dusting" is not one of the duties .*\[invalid_option\]/,
  ],
  ['an unknown flag', ['--task', './tasks.ts'], /\(Did you mean --tasks\?\) \[invalid_usage\]/],
  [
    'a database that is none',
    ['--tasks', './tasks.ts', '--database-url', 'user:secret'],
    /is not a URL such as postgres:.*\[invalid_option\]/,
  ],
])('%s is wrong usage', async ([, args, message]) => {
  await using worker = startWorker(args)
  expect(await worker.exit).toEqual({ code: 2, signal: null })
  const output = worker.lines.join('\n')
  expect(output).toMatch(message)
  expect(output).not.toMatch(/^\s+at /m)
  expect(output).not.toContain('secret')
})

test('what a module throws is shown', async () => {
  await using worker = startWorker(['--tasks', modules.broken, '--database-url', url])
  expect(await worker.exit).toEqual({ code: 2, signal: null })
  expect(worker.lines).toEqual([
    expect.stringMatching(
      /^error: The task module \S+broken\.ts could not be loaded: Error: no license found \(at .*broken\.ts:2:7\) \[task_module_failed\]$/,
    ),
  ])
})

test('the help has examples', async () => {
  await using worker = startWorker(['--help'])
  expect(await worker.exit).toEqual({ code: 0, signal: null })
  expect(worker.lines).toContain('Examples:')
})
