// Control characters could drive the terminal; those of bidirectional text could mislead its reader.
const unsafe = /[\p{Cc}\u2028-\u202E\u2066-\u2069]/gu

/** Text from elsewhere, fit for one line on a terminal: what is unsafe there becomes visible. */
export function printable(text: string): string {
  return text.replace(unsafe, (character) => JSON.stringify(character).slice(1, -1))
}
