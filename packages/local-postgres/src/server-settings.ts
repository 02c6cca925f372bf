import { LocalPostgresError } from './error.ts'

/** A value in postgresql.conf. */
export type SettingValue = string | number | boolean

/** Settings by name, as in postgresql.conf. */
export type ServerSettings = Readonly<Record<string, SettingValue>>

/** What a throw-away server is given; `further` settings win. */
export function serverSettings(
  durable: boolean,
  maxConnections: number,
  further: ServerSettings,
): ServerSettings {
  return {
    listen_addresses: '127.0.0.1',
    // A socket's path is limited to about 100 bytes, which temporary directories can exceed.
    unix_socket_directories: '',
    max_connections: maxConnections,
    timezone: 'UTC',
    log_timezone: 'UTC',
    fsync: durable,
    synchronous_commit: durable,
    full_page_writes: durable,
    ...further,
  }
}

/**
 * Settings in the syntax of postgresql.conf.
 *
 * @throws LocalPostgresError `invalid_option` for a name or value that can't stand there
 */
export function formatSettings(settings: ServerSettings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${formatName(name)} = ${formatValue(name, value)}\n`)
    .join('')
}

function formatName(name: string): string {
  if (/^[a-z_][\w.]*$/i.test(name)) return name
  throw new LocalPostgresError('invalid_option', `settings: "${name}" is not a setting's name.`)
}

function formatValue(name: string, value: SettingValue): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (/[\n\r\0]/.test(String(value))) {
    throw new LocalPostgresError('invalid_option', `settings: ${name} must be a single line.`)
  }
  return `'${String(value).replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
