import { defineConfig } from 'tsup'
import { base } from '../../tsup.base.ts'

// Threads and processes for handlers load a module of their own.
export default defineConfig({ ...base, entry: [...base.entry, 'src/isolated-tasking.ts'] })
