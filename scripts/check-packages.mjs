// Builds and packs what would be published, checks the tarballs, and uses them as a stranger would:
// installed by npm into an empty project, on every Node this machine has.
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { exitLike, run } from './child.mjs'

/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string} version
 * @property {boolean} [private]
 * @property {Record<string, unknown>} [exports]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [peerDependencies]
 */

/** @typedef {{ folder: string, tarball: string, manifest: Manifest }} Packed */

class Failure extends Error {}

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'tasking-packages-')))
try {
  await must('building', 'pnpm', ['-r', 'build'])
  const packages = await pack()
  for (const packed of packages) await checkTarball(packed, packages)
  await smoke(packages)
  console.log(`${packages.length} packages are fit to publish.`)
} catch (error) {
  if (!(error instanceof Failure)) throw error
  console.error(error.message)
  process.exitCode = 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}

/** @returns {Promise<Packed[]>} */
async function pack() {
  const folders = globSync(['packages/*/package.json', 'apps/*/package.json']).map(dirname).sort()
  const packages = []
  for (const folder of folders) {
    const source = readManifest(readFileSync(join(folder, 'package.json'), 'utf8'))
    if (source.private) continue
    const destination = join(directory, 'tarballs', source.name)
    mkdirSync(destination, { recursive: true })
    await must(`packing ${source.name}`, 'pnpm', ['pack', '--pack-destination', destination], {
      cwd: folder,
    })
    const [tarball] = globSync(join(destination, '*.tgz'))
    if (!tarball) throw new Failure(`packing ${source.name} left no tarball`)
    const text = await must('reading', 'tar', ['-xOf', tarball, 'package/package.json'])
    packages.push({ folder, tarball, manifest: readManifest(text) })
  }
  return packages
}

/**
 * @param {Packed} packed
 * @param {Packed[]} packages
 */
async function checkTarball({ tarball, manifest }, packages) {
  const { name } = manifest
  const ranges = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })
  for (const [other, range] of ranges) {
    const sibling = packages.find((candidate) => candidate.manifest.name === other)
    const wrong = sibling
      ? range !== `^${sibling.manifest.version}`
      : /^(workspace|catalog|file|link):/.test(range)
    if (wrong) throw new Failure(`${name} would be published with ${other}@${range}`)
  }
  await must(`publint ${name}`, bin('publint'), ['run', tarball, '--strict'])
  if (isLibrary(manifest)) {
    const output = await must(`attw ${name}`, bin('attw'), [tarball, '--profile', 'esm-only'])
    // attw is content with a package without types.
    if (output.includes('does not contain types')) throw new Failure(`${name} has no types`)
    // What is bundled for running can still be asked for by types.
    const types = await must('reading', 'tar', ['-xOf', tarball, 'package/dist/index.d.ts'])
    const asked = types.matchAll(/from '(@[^/']+\/[^/']+|[^./'][^/']*)/g)
    for (const [, other = ''] of asked) {
      if (isBuiltin(other) || ranges.some(([known]) => known === other)) continue
      throw new Failure(`${name} has types that need ${other}, on which it doesn't depend`)
    }
  }
  console.log(`${name}: the tarball is in order.`)
}

/**
 * A package of commands has nothing to import, and no types that could be wrong.
 * @param {Manifest} manifest
 */
function isLibrary({ exports = {} }) {
  return '.' in exports
}

/** @param {Packed[]} packages */
async function smoke(packages) {
  const cwd = join(directory, 'project')
  cpSync('scripts/smoke', cwd, { recursive: true })
  const install = ['install', '--no-audit', '--no-fund', ...packages.map(({ tarball }) => tarball)]
  await must('npm install of the tarballs', 'npm', install, { cwd })

  const libraries = packages.map(({ manifest }) => manifest).filter(isLibrary)
  const args = ['smoke.mjs', ...libraries.map(({ name }) => name)]
  for (const [version, node] of await nodesByMajor()) {
    // Commands start with "#!/usr/bin/env node", so the Node under test has to be found first.
    const env = { ...process.env, PATH: [dirname(node), process.env.PATH].join(delimiter) }
    await must(`the smoke test on Node ${version}`, node, args, { cwd, env })
    console.log(`The packages work on Node ${version}.`)
  }
}

/** One Node of each major version on the PATH that the packages support, this one included. */
async function nodesByMajor() {
  const candidates = [dirname(process.execPath), ...(process.env.PATH ?? '').split(delimiter)]
    .map((folder) => join(folder, 'node'))
    .filter((file) => existsSync(file))
  /** @type {Map<string, string>} */
  const found = new Map()
  for (const node of new Set(candidates.map((file) => realpathSync(file)))) {
    const { output } = await run(node, ['-p', 'process.versions.node'], { quiet: true })
    const [major = 0, minor = 0] = output.trim().split('.').map(Number)
    const supported = major > 20 || (major === 20 && minor >= 19)
    const known = [...found.keys()].some((version) => version.startsWith(`${major}.`))
    if (supported && !known) found.set(output.trim(), node)
  }
  return found
}

/**
 * Runs a step quietly; what it printed is shown only when it fails.
 * @param {string} step
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
async function must(step, command, args, options) {
  const { code, output } = await run(command, args, { ...options, quiet: true })
  if (code > 128) exitLike(code)
  if (code !== 0)
    throw new Failure(
      `${output.trimEnd()}\n${step} failed (exit code ${code}); its output is above.`,
    )
  return output
}

/** @param {string} name */
function bin(name) {
  return resolve('node_modules', '.bin', name)
}

/**
 * @param {string} text
 * @returns {Manifest}
 */
function readManifest(text) {
  return JSON.parse(text)
}
