// Node runs the sources as they are; in the published package they are JavaScript, side by side.
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'

/** The file of one of this package's programs for threads and processes. */
export function childScript(name: 'child-main' | 'orphan-watch'): URL {
  return new URL(`./${name}${extension}`, import.meta.url)
}
