import { readFileSync } from 'node:fs'

interface Manifest {
  readonly exports?: Record<string, string>
  readonly bin?: Record<string, string>
}

// tsup runs in the package's folder. There the manifest names sources; publishConfig names what becomes
// of them: src/main.ts becomes dist/main.js.
const { exports = {}, bin = {} } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
const libraries = Object.values(exports)

/** How every published package is built: ES modules with types for the oldest Node that is supported. */
export const base = {
  entry: [...libraries, ...Object.values(bin)],
  format: 'esm' as const,
  target: 'node20',
  platform: 'node' as const,
  // A command has no types to offer.
  dts: libraries.length > 0 && { entry: libraries },
  sourcemap: true,
  clean: true,
}
