/** A file that makes no sense. The message is one line that says where, and what was expected. */
export class InputError extends Error {
  constructor(message: string) {
    super(oneLine(message))
    this.name = 'InputError'
  }
}

/** Long values of the file are in the file already. */
const LONGEST = 400

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line
}
