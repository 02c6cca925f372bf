// Child processes that end together with this one: signals go down, exit codes and signals come up.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** @typedef {{ code: number, output: string }} Ended `code` is 128 + n after signal n, as in a shell. */

/**
 * Runs a command to its end and never rejects. A `quiet` command has no terminal; its output is returned.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean }} [options]
 * @returns {Promise<Ended>}
 */
export function run(command, args, { cwd, env, quiet = false } = {}) {
  return new Promise((resolve) => {
    // A quiet command gets a process group of its own, so that its children can be stopped with it.
    const grouped = quiet && process.platform !== 'win32'
    const child = spawn(command, args, {
      ...(cwd && { cwd }),
      ...(env && { env }),
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      detached: grouped,
      // On Windows npx and pnpm are command scripts, which only the shell can start.
      shell: quiet && process.platform === 'win32',
    })

    let output = ''
    child.stdout?.on('data', (chunk) => (output += chunk))
    child.stderr?.on('data', (chunk) => (output += chunk))

    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => {
      // The terminal has sent Ctrl-C to the child already; twice would mean "stop at once".
      if (!quiet && signal !== 'SIGTERM' && process.stdin.isTTY) return
      if (child.pid === undefined) return
      try {
        process.kill(grouped ? -child.pid : child.pid, signal)
      } catch {
        // It has ended in the meantime.
      }
    }
    for (const signal of forwarded) process.on(signal, forward)

    /** @param {number} code */
    const end = (code) => {
      for (const signal of forwarded) process.off(signal, forward)
      resolve({ code, output })
    }
    child.once('error', (error) => {
      output += `${command}: ${error.message}\n`
      if (!quiet) console.error(`${command}: ${error.message}`)
      end(127)
    })
    child.once('close', (code, signal) =>
      end(signal ? 128 + constants.signals[signal] : (code ?? 1)),
    )
  })
}

/**
 * Ends this process as the child ended, by the same signal if it was one: callers tell the two apart.
 * @param {number} code
 */
export function exitLike(code) {
  const signal = forwarded.find(
    (name) => 128 + constants.signals[/** @type {NodeJS.Signals} */ (name)] === code,
  )
  if (signal) process.kill(process.pid, signal)
  process.exitCode = code
}
