/** A line of the log. */
export function say(line: string): void {
  process.stderr.write(`sluice: ${line}\n`)
}
