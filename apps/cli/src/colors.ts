/**
 * Makes the environment say whether to print in color: yoctocolors and Node read it, but neither
 * looks at the flag, nor at whether anybody watches.
 */
export function settleColors(argv: readonly string[], stdout: { readonly isTTY?: boolean }): void {
  const { env } = process
  const forced = Boolean(env['FORCE_COLOR'])
  if (argv.includes('--no-color') || (!forced && (env['NO_COLOR'] || !stdout.isTTY))) {
    // Set both, Node would warn.
    delete env['FORCE_COLOR']
    env['NO_COLOR'] = '1'
  } else if (forced) {
    delete env['NO_COLOR']
  }
}
