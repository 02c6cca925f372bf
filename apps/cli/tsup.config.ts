import { defineConfig } from 'tsup'
import { base } from '../../tsup.base.ts'

// A command has no types to offer.
export default defineConfig({ ...base, entry: ['src/main.ts'], dts: false })
