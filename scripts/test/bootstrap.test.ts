import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ended, Machine } from './machine.ts'

const pnpm = `
if (args[0] === '--version') console.log('12.3.4')
else log('pnpm ' + args.join(' '))
if (args[0] === 'install') require('node:fs').mkdirSync('node_modules', { recursive: true })
if (args[0] === 'install') require('node:fs').writeFileSync('node_modules/.modules.yaml', '')
`
const show = 'console.log(JSON.stringify(args))\nprocess.exit(7)'

test('hands arguments and the exit code through as they are', async () => {
  using machine = new Machine()
  machine.installed('after')
  machine.command('pnpm', pnpm)
  machine.command('show', show)

  const run = await machine.run('exec', '--', 'show', 'a b', '$HOME', '"', '--', '*')

  expect(JSON.parse(run.stdout)).toEqual(['a b', '$HOME', '"', '--', '*'])
  expect(run).toMatchObject({ code: 7, stderr: '' })
  expect(machine.calls).toEqual([])
})

test('installs once, when the lockfile is newer than what is installed', async () => {
  using machine = new Machine()
  machine.command('pnpm', pnpm)
  machine.command('show', show)
  const install = 'pnpm install --frozen-lockfile --config.confirmModulesPurge=false'

  const fresh = await machine.run('exec', 'show')
  expect(fresh.stderr).toBe('Installing dependencies with pnpm …\n')
  expect(machine.calls).toEqual([install])

  await machine.run('exec', 'show')
  expect(machine.calls).toEqual([install])

  machine.installed('before')
  await machine.run('exec', 'show')
  expect(machine.calls).toEqual([install, install])
})

test('shows what pnpm said when it could not install, and stops', async () => {
  using machine = new Machine()
  machine.command(
    'pnpm',
    `${pnpm}\nif (args[0] === 'install') { console.log('no space'); process.exit(1) }`,
  )
  machine.command('show', show)

  const run = await machine.run('exec', 'show')

  expect(run).toMatchObject({ code: 1, stdout: '' })
  expect(run.stderr).toContain('no space\npnpm could not install')
})

test('takes pnpm from npx when the one there is too old, whatever else npm says', async () => {
  using machine = new Machine()
  const brought = join(machine.root, 'brought')
  machine.command('pnpm', "console.log('9.0.0')")
  machine.command('pnpm', pnpm, brought)
  machine.command('show', show, brought)
  const answer = JSON.stringify({
    node: process.execPath,
    version: process.versions.node,
    path: brought,
  })
  machine.command(
    'npx',
    `log(args.join(' '))\nconsole.error('npm warn')\nconsole.log('${answer}\\nnpm notice')`,
  )

  const run = await machine.run('exec', 'show', 'x')

  expect(run).toMatchObject({ code: 7, stdout: '["x"]\n' })
  expect(machine.calls[0]).toContain('--prefer-offline -p pnpm@12.21.0 -- node ')
  expect(machine.calls[1]).toMatch(/^pnpm install/)
})

test('asks npx a second time without the cache, then gives up with what npm said', async () => {
  using machine = new Machine()
  machine.command(
    'npx',
    "log(args.join(' '))\nconsole.error('npm error EINTEGRITY')\nprocess.exit(1)",
  )

  const run = await machine.run('exec', 'show')

  expect(machine.calls).toHaveLength(2)
  expect(machine.calls[1]).toContain(`--cache ${join(machine.root, 'node_modules', '.bootstrap')}`)
  expect(run.code).toBe(1)
  expect(run.stderr).toContain('npm error EINTEGRITY\nnpx could not bring pnpm@12.21.0')
})

test('passes a signal to the command and ends as it ends', async () => {
  using machine = new Machine()
  machine.installed('after')
  machine.command('pnpm', pnpm)
  machine.command(
    'wait',
    "process.on('SIGTERM', () => process.exit(3))\nconsole.log('up')\nsetInterval(() => {}, 1000)",
  )
  machine.command('stay', "console.log('up')\nsetInterval(() => {}, 1000)")

  for (const [command, end] of [
    ['wait', { code: 3, signal: null }],
    ['stay', { code: null, signal: 'SIGTERM' }],
  ] as const) {
    const child = machine.start('exec', command)
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    // The output ends only when no process holds it open any more.
    expect(await ended(child)).toMatchObject(end)
  }
})

test('says how it is used', async () => {
  using machine = new Machine()
  for (const args of [[], ['nothing'], ['exec']]) {
    const run = await machine.run(...args)
    expect(run).toMatchObject({ code: 1, stdout: '' })
    expect(run.stderr).toMatch(/^Usage: /)
  }
})
