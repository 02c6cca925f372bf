// Type checks every package, tests included, and the scripts, with the native compiler.
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './child.mjs'

const folders = globSync(['packages/*', 'apps/*', 'examples/*', 'testbed', 'bench'])
  .filter((folder) => existsSync(join(folder, 'package.json')))
  .sort()

let failed = false
for (const project of ['.', ...folders]) {
  // A package without a tsconfig.json would pass unchecked.
  if (!existsSync(join(project, 'tsconfig.json'))) {
    console.error(`${project} has no tsconfig.json`)
    failed = true
    continue
  }
  const tsc = join('node_modules', 'typescript-native', 'bin', 'tsc')
  const { code } = await run(process.execPath, [tsc, '-p', project])
  if (code !== 0) failed = true
}
process.exitCode = failed ? 1 : 0
