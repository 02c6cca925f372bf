import { Option } from 'commander'

/** Which PostgreSQL is started. */
export function postgresFlag(): Option {
  return new Option('--postgres <directory>', 'with the binaries of the PostgreSQL to use')
}
