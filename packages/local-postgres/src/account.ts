import { readFileSync, statSync } from 'node:fs'

/** An account of the operating system, as numbers. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/**
 * The account that the server has to run as, or undefined where the current one will do.
 *
 * PostgreSQL refuses to run as root. Root therefore hands it to whoever owns the data already,
 * or else to `nobody`; no account is created.
 */
export function serverAccount(dataDirectory: string | undefined): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const owner = dataDirectory && statSync(dataDirectory, { throwIfNoEntry: false })
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : nobody()
}

function nobody(): Account {
  const [, uid, gid] = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(passwd()) ?? []
  return { uid: Number(uid ?? 65534), gid: Number(gid ?? 65534) }
}

function passwd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8')
  } catch {
    return ''
  }
}
