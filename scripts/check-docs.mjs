// Checks the pages of the documentation: their programs compile against the packages, their links
// lead somewhere, and they name the flags and error codes that there are, all of them and no others.
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { run } from './child.mjs'

/** @typedef {{ info: string, line: number, lines: string[] }} Fence `line` is that of its first line. */
/** @typedef {{ file: string, fences: Fence[], prose: string[] }} Page `prose` has blanks for fences. */

const invocation = /(?:^|[\s/=])(npm run demo --|tasking(?:-worker)?(?: [a-z]+)?)(?=\s)([^|#]*)/
const anyFlag = /(?<![\w-])--[a-z][\w-]*/g
const codeInSource =
  /(?:super\(|new (?!InvalidOption)\w+(?:Error|Abort)\(|\bcode(?: =|:)(?: [^'\n]*[?:])?|'code',)\s*'([a-z][a-z_]*)'/g

const pages = globSync(['*.md', 'docs/*.md', '{packages,apps,examples}/*/README.md'])
  .sort()
  .map(readPage)

let problems = 0
await checkPrograms()
for (const page of pages) checkLinks(page)
checkFlags()
checkErrorCodes()
if (problems > 0) process.exitCode = 1
else console.log(`${pages.length} pages are in order.`)

/** @type {(file: string, line: number, message: string) => void} */
function report(file, line, message) {
  console.error(`${file}:${line}: ${message}`)
  problems += 1
}

/**
 * @param {string} file
 * @returns {Page}
 */
function readPage(file) {
  /** @type {Fence[]} */
  const fences = []
  /** @type {Fence | undefined} */
  let open
  const prose = readFileSync(file, 'utf8')
    .split('\n')
    .map((text, index) => {
      const [, info] = /^ *```(.*)$/.exec(text) ?? []
      if (open === undefined && info === undefined) return text
      if (open === undefined) fences.push((open = { info: info ?? '', line: index + 2, lines: [] }))
      else if (info === undefined) open.lines.push(text)
      else open = undefined
      return ''
    })
  return { file, fences, prose }
}

// A program is a block of TypeScript or JavaScript and the fragments that follow it. It keeps its
// place: as many blank lines before it as in the page, so that the compiler names the right line.
async function checkPrograms() {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'tasking-docs-')))
  try {
    linkPackages(join(directory, 'node_modules'))
    const compilerOptions = {
      allowJs: true,
      checkJs: true,
      moduleDetection: 'force',
      noUnusedLocals: false,
      noUnusedParameters: false,
    }
    const config = {
      extends: resolve('tsconfig.base.json'),
      compilerOptions,
      include: ['**/*.md.*'],
    }
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config))
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
    for (const page of pages) writePrograms(page, directory)
    const tsc = resolve('node_modules/typescript-native/bin/tsc')
    const { code, output } = await run(process.execPath, [tsc, '--pretty', 'false', '-p', '.'], {
      cwd: directory,
      quiet: true,
    })
    for (const text of output.split('\n')) {
      const [, file, line, message] = /^(.+\.md)\.\d+\.m?[jt]s\((\d+),\d+\): (.*)/.exec(text) ?? []
      if (file && message) report(file, Number(line), message)
      else if (code !== 0 && /\S/.test(text)) console.error(text)
    }
    if (code !== 0 && problems === 0) problems += 1
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/**
 * @param {Page} page
 * @param {string} directory
 */
function writePrograms({ file, fences }, directory) {
  /** @type {{ name: string, lines: string[] } | undefined} */
  let program
  for (const { info, line, lines } of fences) {
    const [language, kind] = info.split(' ')
    if (language !== 'ts' && language !== 'js') continue
    if (kind !== 'fragment') {
      program = { name: `${file}.${line}.${language === 'ts' ? 'ts' : 'mjs'}`, lines: [] }
    }
    if (program === undefined) {
      report(file, line, 'a fragment goes on from a block before it, and there is none')
      continue
    }
    while (program.lines.length < line - 1) program.lines.push('')
    program.lines.push(...lines)
    mkdirSync(dirname(join(directory, program.name)), { recursive: true })
    writeFileSync(join(directory, program.name), program.lines.join('\n'))
  }
}

/**
 * The packages of the workspace and whatever they depend on, as a reader would have installed them.
 * @param {string} modules
 */
function linkPackages(modules) {
  for (const manifestFile of globSync(['package.json', 'packages/*/package.json'])) {
    const folder = dirname(manifestFile)
    const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'))
    const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
    const targets = [
      [manifest.name, folder],
      ...names.map((name) => [name, join(folder, 'node_modules', name)]),
    ]
    for (const [name, target] of targets) {
      const link = join(modules, name)
      if (existsSync(link) || !existsSync(target)) continue
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(realpathSync(target), link, 'junction')
    }
  }
}

/** @param {Page} page */
function checkLinks({ file, prose }) {
  for (const [index, text] of prose.entries()) {
    const words = text.replaceAll(/`[^`]*`/g, (code) => ' '.repeat(code.length))
    const links = /\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)|(?:src|href)="([^"]+)"/g
    for (const [, inline, reference, attribute] of words.matchAll(links)) {
      const link = inline ?? reference ?? attribute ?? ''
      if (/^[a-z]+:/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? file : join(dirname(file), path)
      if (!existsSync(target)) report(file, index + 1, `there is no ${target}`)
      else if (anchor !== undefined && !anchorsOf(target).has(anchor)) {
        report(file, index + 1, `${target} has no heading for #${anchor}`)
      }
    }
  }
}

/** @param {string} file */
function anchorsOf(file) {
  const headings = readPage(file).prose.flatMap((text) => /^#+ (.*)/.exec(text)?.[1] ?? [])
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

// A flag after a command must be one of that command's; a flag alone, or in what a command has
// printed, of any. Other programs' flags are left alone. The pages of the commands name all flags.
function checkFlags() {
  const helps = readHelps()
  const all = new Set([...helps.values()].flatMap((flags) => [...flags]))
  for (const page of pages) {
    if (/^(?:examples|CONTRIBUTING)/.test(page.file)) continue
    for (const { code, line, printed } of codeIn(page)) {
      const [, command, rest = ''] = invocation.exec(code) ?? []
      if (command === undefined && !printed && !code.startsWith('--')) continue
      const known = command === undefined ? all : flagsAfter(command, helps)
      for (const flag of (command === undefined ? code : rest).match(anyFlag) ?? []) {
        if (!known.has(flag)) report(page.file, line, `there is no flag ${flag}`)
      }
    }
  }
  for (const [command, flags] of helps) {
    const file = command === 'tasking-worker' ? 'docs/operations.md' : 'docs/cli.md'
    const text = readFileSync(file, 'utf8')
    for (const flag of flags) {
      if (!text.includes(flag)) report(file, 1, `${command} ${flag} is not mentioned`)
    }
  }
}

/**
 * Inline code and the lines of blocks that aren't programs; `printed` is what a command has printed.
 * @param {Page} page
 */
function codeIn({ fences, prose }) {
  const inline = prose.flatMap((text, index) =>
    [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => ({
      code,
      line: index + 1,
      printed: false,
    })),
  )
  const blocks = fences.flatMap(({ info, line, lines }) =>
    /^[tj]s\b/.test(info)
      ? []
      : lines.map((code, index) => ({
          code,
          line: line + index,
          printed: info === 'console' && !code.startsWith('$'),
        })),
  )
  return [...inline, ...blocks]
}

/**
 * @param {string} words such as `tasking list`
 * @param {Map<string, Set<string>>} helps
 * @returns {Set<string>}
 */
function flagsAfter(words, helps) {
  const command = words.startsWith('npm') ? 'tasking demo' : words
  return helps.get(command) ?? helps.get(command.split(' ')[0] ?? '') ?? new Set()
}

/** The flags of each command, as its help has them. */
function readHelps() {
  const [cli, worker] = ['apps/cli/src/main.ts', 'apps/worker/src/main.ts']
  const general = help(cli)
  const names = [...general.matchAll(/^ {2}([a-z]+) (?=.* {2,}\S)/gm)].map(([, name = '']) => name)
  return new Map([
    ['tasking', flagsOf(general)],
    ['tasking-worker', flagsOf(help(worker))],
    ...names
      .filter((name) => name !== 'help')
      .map((name) => /** @type {const} */ ([`tasking ${name}`, flagsOf(helpWithBelow(cli, name))])),
  ])
}

/**
 * The help of a command, and of the commands below it.
 * @type {(main: string, name: string) => string}
 */
function helpWithBelow(main, name) {
  const own = help(main, name)
  const [, list = ''] = /^Commands:\n((?: {2}.*\n)*)/m.exec(own) ?? []
  const below = [...list.matchAll(/^ {2}([a-z]+) /gm)].map(([, each = '']) => each)
  return [own, ...below.map((each) => help(main, name, each))].join('\n')
}

/** @type {(main: string, ...args: string[]) => string} */
function help(main, ...args) {
  return execFileSync(process.execPath, [main, ...args, '--help'], { encoding: 'utf8' })
}

/** @param {string} text */
function flagsOf(text) {
  const flags = [...text.matchAll(/^ +(?:-\w, )?(--[a-z][\w-]*)/gm)].map(([, flag = '']) => flag)
  return new Set(flags.filter((flag) => flag !== '--help' && flag !== '--version')).add('--help')
}

// A code is the first argument of an error, or a property "code".
function checkErrorCodes() {
  const page = 'docs/errors.md'
  const rows = readFileSync(page, 'utf8').split('\n').entries()
  const documented = new Map(
    [...rows].flatMap(([index, row]) => {
      const [, code] = /^\| `([a-z_]+)` +\|/.exec(row) ?? []
      return code ? [[code, index + 1]] : []
    }),
  )
  const used = new Set()
  for (const file of globSync(['{packages,apps}/*/src/**/*.ts', 'packages/*/drizzle/*.sql'])) {
    const source = readFileSync(file, 'utf8')
    for (const { 1: code = '', index } of source.matchAll(codeInSource)) {
      used.add(code)
      if (documented.has(code)) continue
      report(file, source.slice(0, index).split('\n').length, `the code ${code} is not in ${page}`)
    }
  }
  for (const [code, line] of documented) {
    if (!used.has(code)) report(page, line, `no source has the code ${code}`)
  }
}
