import { setTimeout as delay } from 'node:timers/promises'

/** Polls, for what sends no event: the end of a process that isn't a child, a file's absence. */
export async function until(check: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 40_000
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`Waited 40 s in vain for ${what}.`)
    await delay(20)
  }
}
