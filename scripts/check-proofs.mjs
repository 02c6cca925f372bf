// Searches the model of the protocol for what must not happen and, with a guard taken out, for what
// then must: a proof that can't fail proves nothing. With --thorough: proofs only, in smaller steps.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { run } from './child.mjs'
import { expectation, finding, mixesOf, readSearch, thorough, variants } from './proofs.mjs'

/** @typedef {import('./proofs.mjs').Variant} Variant */

const tools = await missingTools()
if (tools.length === 0) {
  process.exitCode = (await checkAll()) ? 0 : 1
} else {
  const needed = process.env.CI === 'true'
  console.error(`The proofs need ${tools.join(' and ')}${needed ? '.' : ': they were skipped.'}`)
  console.error('On Debian: apt-get install spin gcc libc6-dev')
  process.exitCode = needed ? 1 : 0
}

async function missingTools() {
  const preprocess = ['-E', '-include', 'stdlib.h', '-x', 'c', '/dev/null']
  const spin = await run('spin', ['-V'], { quiet: true })
  const compiler = await run('cc', preprocess, { quiet: true })
  return [
    ...(spin.code === 0 ? [] : ['Spin']),
    ...(compiler.code === 0 ? [] : ['a C compiler with its headers']),
  ]
}

/** Prints a row for each variant, and says whether all found what was expected. */
async function checkAll() {
  const begin = performance.now()
  const all = process.argv.includes('--thorough') ? thorough : variants
  const queue = [...all.entries()]
  /** @type {string[]} */
  const rows = []
  let printed = 0
  let states = 0
  let right = true
  console.log(row('variant', 'expected', 'found', 'states', 'seconds'))
  const checkNext = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [index, variant] = next
      const outcome = await check(variant)
      states += outcome.states
      right &&= outcome.right
      rows[index] = outcome.row
      for (let text = rows[printed]; text; text = rows[printed]) {
        console.log(text)
        printed += 1
      }
    }
  }
  // A search takes up to 60 MB.
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, checkNext))
  console.log(`${number(states)} states in ${secondsSince(begin)} s`)
  return right
}

/**
 * Searches all mixes of tasks. What was not expected stays, to be replayed.
 * @param {Variant} variant
 */
async function check(variant) {
  const begin = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'tasking-proof-'))
  cpSync('docs/proofs', folder, { recursive: true })
  const search = await build(variant, folder)
  const searches = []
  for (const mix of mixesOf(variant)) searches.push(readSearch(await search(mix)))

  const states = searches.reduce((sum, one) => sum + one.states, 0)
  const [expected, found] = [expectation(variant), finding(searches)]
  const text = row(variant.name, expected, found, number(states), secondsSince(begin))
  const right = found === expected
  if (right) rmSync(folder, { recursive: true })
  return { states, right, row: right ? text : `${text}\n  Not as expected: see ${folder}` }
}

/**
 * @param {Variant} variant
 * @param {string} folder
 * @returns {Promise<(mix: number) => Promise<string>>}
 */
async function build({ macros, finds }, folder) {
  const options = [...macros, ...(finds ? [`FAILURE=${finds.toUpperCase()}`] : [])]
  const defines = options.map((option) => `-D${option}`)
  /** @type {(command: string, args: string[], env?: NodeJS.ProcessEnv) => Promise<string>} */
  const execute = async (command, args, env = process.env) => {
    const { code, output } = await run(command, args, { cwd: folder, env, quiet: true })
    if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`)
    return output
  }
  await execute('spin', ['-Pcc -E -x c', ...defines, '-a', 'protocol.pml'])
  // A name of the model's that the generated program has a variable of its own for must not compile.
  await execute('cc', ['-O1', '-Werror=int-conversion', '-DSAFETY', '-o', 'pan', 'pan.c'])
  // With one kind of failure to search for, the others end a run early and are no news.
  const flags = ['-m2000', '-w18', ...(finds ? ['-E'] : [])]
  return (mix) => execute(join(folder, 'pan'), flags, { ...process.env, MIX: String(mix) })
}

/** @param {string[]} cells */
function row(...cells) {
  const [name = '', expected = '', found = '', states = '', seconds = ''] = cells
  const texts = [name.padEnd(44), expected.padEnd(21), found.padEnd(21)]
  return [...texts, states.padStart(10), seconds.padStart(7)].join('  ')
}

/** @param {number} value */
function number(value) {
  return value.toLocaleString('en')
}

/** @param {number} begin */
function secondsSince(begin) {
  return ((performance.now() - begin) / 1000).toFixed(1)
}
