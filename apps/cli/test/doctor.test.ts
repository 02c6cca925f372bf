import { nodePostgres, testDatabase } from '@tasking/testbed'
import { expect, test } from 'vitest'
import { tasking } from './cli-process.ts'

test('a database in good order: a table of findings, exit code 0', async () => {
  await using database = await testDatabase()
  const { code, stdout, stderr } = await tasking(['doctor'], { url: database.url })
  expect(stderr).toBe('0 errors, 0 warnings.\n')
  const [head, ...lines] = stdout.trimEnd().split('\n')
  expect(head).toMatch(/^VERDICT +CODE +FINDING$/)
  expect(lines).toContainEqual(expect.stringMatching(/^ok +drift +All \d+ objects of the schema/))
  expect(lines.every((line) => /^(?:ok +[a-z_]+| +→) +\S/.test(line))).toBe(true)
  expect(code).toBe(0)
})

test('warnings alone are no failure', async () => {
  await using database = await testDatabase()
  const { url } = database
  await run(database.directUrl, 'create index mine on tasking.task (name)')
  const { code, stdout, stderr } = await tasking(['doctor'], { url })
  expect(stdout).toMatch(/^warning +drift +The index mine is not Tasking's\.\n +→ \S/m)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '0 errors, 1 warning.\n' })
})

test('errors are one', async () => {
  await using database = await testDatabase()
  const { url } = database
  await run(database.directUrl, 'drop index tasking.task_claim, tasking.task_owned')
  const { code, stdout, stderr } = await tasking(['doctor'], { url })
  // What to do is said once.
  expect(stdout).toMatch(
    /^error +drift +The index task_claim is missing\.\nerror +drift +The index task_owned is missing\.\n +→ \S/m,
  )
  expect({ code, stderr }).toEqual({ code: 1, stderr: '2 errors, 0 warnings.\n' })
  const json = await tasking(['doctor', '--json'], { url })
  expect(json).toMatchObject({ code: 1, stderr: '' })
  expect(JSON.parse(json.stdout)).toContainEqual({
    ...{ code: 'drift', severity: 'error', message: 'The index task_claim is missing.' },
    advice: expect.stringMatching(/tasking migrate --print --from 0/),
  })
})

test('a database that does not answer is a finding, without its password', async () => {
  const nowhere = 'postgres://user:secret@127.0.0.1:1/nowhere'
  const { code, stdout } = await tasking(['doctor', '--json'], { url: nowhere })
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject([{ code: 'store_unavailable', severity: 'error' }])
  expect(stdout).not.toContain('secret')
})

test('no database is wrong usage', async () => {
  const { code, stdout, stderr } = await tasking(['doctor'])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/\[invalid_usage\]/)
})

test('color is for those who ask', async () => {
  await using database = await testDatabase({ migrated: false })
  const { url } = database
  const red = '\u001B[31merror\u001B[39m'
  const plain = await tasking(['doctor'], { url })
  expect(plain.stdout).toMatch(/^error +schema_missing .*Run "tasking migrate" first\.$/m)
  const colored = await tasking(['doctor'], { url, env: { FORCE_COLOR: '1' } })
  expect(colored.stdout).toContain(red)
})

async function run(url: string, statement: string): Promise<void> {
  const pool = nodePostgres(url, 1)
  await pool.query(statement)
  await pool.end()
}
