#!/usr/bin/env node
// From a machine with Node 20 and npm to a running command, without anything installed before:
// finds the Node and pnpm this project is developed with, installs what the lockfile says, runs a target.
import { readFileSync, statSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exitLike, run } from './child.mjs'

const self = fileURLToPath(import.meta.url)
const root = dirname(dirname(self))
const developedOn = 24
const pnpmVersion = readPnpmVersion()

/**
 * The Node to run, and the PATH that has it and pnpm.
 * @typedef {{ node: string, version: string, path: string }} Toolchain
 */

/** @type {Record<string, (node: string, args: string[]) => string[]>} */
const targets = {
  demo: (node, args) => [node, 'apps/cli/src/main.ts', 'demo', ...args],
  test: (node, args) => [node, 'scripts/test.mjs', ...args],
  exec: (_node, args) => args,
}

class Failure extends Error {}

try {
  await main()
} catch (error) {
  if (!(error instanceof Failure)) throw error
  console.error(error.message)
  process.exitCode = 1
}

async function main() {
  const [name = '', ...rest] = process.argv.slice(2)
  const running = { node: process.execPath, version: process.versions.node }
  if (name === 'where') return console.log(JSON.stringify({ ...running, path: process.env.PATH }))

  if (majorOf(running.version) < 20) {
    throw new Failure(`Tasking needs Node 20 or newer; this is Node ${running.version}.`)
  }
  const target = targets[name]
  // npm takes the "--" before the arguments away, pnpm passes it on.
  const args = rest[0] === '--' ? rest.slice(1) : rest
  if (!target || (name === 'exec' && args.length === 0)) {
    throw new Failure(
      'Usage: node scripts/bootstrap.mjs demo|test [args…] | exec <command> [args…]',
    )
  }

  endWithNpm()
  const path = [dirname(running.node), process.env.PATH].join(delimiter)
  const toolchain = await findToolchain({ ...running, path }, name === 'exec' || installIsDue())
  const env = { ...process.env, PATH: toolchain.path }
  if (installIsDue()) await install(env)

  const [command = '', ...commandArgs] = target(toolchain.node, args)
  const { code } = await run(command, commandArgs, { cwd: root, env })
  exitLike(code)
}

/**
 * The running Node and the pnpm on the PATH where they will do, else what npx brings.
 * @param {Toolchain} running
 * @param {boolean} withPnpm
 * @returns {Promise<Toolchain>}
 */
async function findToolchain(running, withPnpm) {
  const nodeWillDo = canDevelop(running.version)
  if (nodeWillDo && (!withPnpm || (await pnpmWillDo(running.path)))) return running

  const packages = [`pnpm@${pnpmVersion}`]
  if (!nodeWillDo) packages.push(`node@${developedOn}`)
  console.error(`Taking ${packages.join(' and ')} from npx …`)
  // A broken cache must not stop a newcomer, so the second attempt does without what is there.
  const attempts = [
    ['--prefer-offline'],
    ['--prefer-online', '--cache', join(root, 'node_modules', '.bootstrap')],
  ]
  let output = ''
  for (const options of attempts) {
    const ended = await npx(packages, options, running.path)
    if (ended.code > 128) exitNow(ended.code)
    const found = parseToolchain(ended.output)
    if (found && canDevelop(found.version) && (await pnpmWillDo(found.path))) return found
    output = ended.output
  }
  const what = packages.join(' and ')
  throw new Failure(`${output.trimEnd()}\nnpx could not bring ${what}; its output is above.`)
}

/**
 * Asks the Node that npx starts where it is. Only that: a command run below npx would get npm's noise
 * around it, and its signals through two more processes.
 * @param {string[]} packages
 * @param {string[]} options
 * @param {string} path
 */
function npx(packages, options, path) {
  const args = [
    '--yes',
    // "node" puts its binary in place with an install script.
    '--ignore-scripts=false',
    // Without a network npm would wait for more than a minute before it says so.
    '--fetch-retry-mintimeout=1000',
    '--fetch-retry-maxtimeout=5000',
    ...options,
    ...packages.flatMap((name) => ['-p', name]),
    '--',
    'node',
    self,
    'where',
  ]
  // Not in the project: there npx would read pnpm's node_modules as its own.
  return run('npx', args, { cwd: tmpdir(), env: { ...process.env, PATH: path }, quiet: true })
}

/**
 * npm may print warnings before and after the line that counts.
 * @param {string} output
 * @returns {Toolchain | undefined}
 */
function parseToolchain(output) {
  const line = output.split('\n').find((text) => text.startsWith('{"node":'))
  return line && JSON.parse(line)
}

/**
 * From 24 on Node runs the sources as they are: TypeScript, and `await using`.
 * @param {string} version
 */
function canDevelop(version) {
  const [major = 0] = version.split('.').map(Number)
  return major >= 24
}

/** @param {string} path */
async function pnpmWillDo(path) {
  // Outside the project and without a network, so that pnpm answers for itself and corepack's stand-in fails.
  const env = { ...process.env, PATH: path, COREPACK_ENABLE_NETWORK: '0' }
  const { code, output } = await run('pnpm', ['--version'], { cwd: tmpdir(), env, quiet: true })
  const version = output.trim().split('\n').at(-1) ?? ''
  return code === 0 && majorOf(version) === majorOf(pnpmVersion)
}

function installIsDue() {
  const installed = statSync(join(root, 'node_modules', '.modules.yaml'), { throwIfNoEntry: false })
  return !installed || installed.mtimeMs < statSync(join(root, 'pnpm-lock.yaml')).mtimeMs
}

/** @param {NodeJS.ProcessEnv} env */
async function install(env) {
  console.error('Installing dependencies with pnpm …')
  // Without a terminal pnpm can't ask whether it may replace what another package manager left there.
  const args = ['install', '--frozen-lockfile', '--config.confirmModulesPurge=false']
  const { code, output } = await run('pnpm', args, { cwd: root, env, quiet: true })
  if (code > 128) exitNow(code)
  if (code !== 0)
    throw new Failure(`${output.trimEnd()}\npnpm could not install; its output is above.`)
  // pnpm leaves the file alone when there was nothing to do.
  const now = new Date()
  utimesSync(join(root, 'node_modules', '.modules.yaml'), now, now)
}

/** npm's shell passes no signal on, and npm can be killed: either shows as a change of ancestors. */
function endWithNpm() {
  if (!process.env.npm_lifecycle_event) return
  const before = ancestors()
  const watch = setInterval(() => {
    if (ancestors() === before) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 200)
  watch.unref()
}

/** The shell, and npm above it where the system has /proc. */
function ancestors() {
  try {
    const fields = readFileSync(`/proc/${process.ppid}/stat`, 'utf8').split(') ').at(-1)
    return `${process.ppid} ${fields?.split(' ')[1]}`
  } catch {
    return String(process.ppid)
  }
}

/** @param {number} code */
function exitNow(code) {
  exitLike(code)
  process.exit(code)
}

function readPnpmVersion() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [, version] = /^pnpm@([^+]+)/.exec(packageManager) ?? []
  if (!version) throw new Error('package.json: "packageManager" must name a version of pnpm')
  return version
}

/** @param {string} version */
function majorOf(version) {
  return Number.parseInt(version, 10)
}
