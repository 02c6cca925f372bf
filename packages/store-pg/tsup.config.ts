import { defineConfig } from 'tsup'
import { base } from '../../tsup.base.ts'

export default defineConfig({
  ...base,
  // Bundled, since Node 24 takes most of a second to load its modules; pnpm-workspace.yaml says why.
  noExternal: ['drizzle-orm'],
  banner: { js: '// Contains parts of drizzle-orm: see licenses/drizzle-orm.txt' },
})
