import { defineConfig } from 'tsup'
import { base } from '../../tsup.base.ts'

// Threads and processes for handlers run programs of their own.
const programs = ['src/child-main.ts', 'src/orphan-watch.ts']

export default defineConfig({ ...base, entry: [...base.entry, ...programs] })
