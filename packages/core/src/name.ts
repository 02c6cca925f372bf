/** Whether every store can keep the text as a name: not empty, whole characters, no NUL. */
export function isName(text: unknown, mostCharacters: number): text is string {
  return (
    typeof text === 'string' &&
    text.trim() !== '' &&
    text.length <= mostCharacters &&
    text.isWellFormed() &&
    !text.includes('\0')
  )
}
