/** What a shell reports for a process that SIGPIPE ended, as it ends most programs whose reader has gone. */
const BROKEN_PIPE = 141

/**
 * What is printed may find nobody: a pipe whose reader has gone, a disk that is full. A server serves on, since a log is
 * not worth a request; what only prints has nothing left to do, and ends without a word where nobody reads it, else with one.
 */
export function outliveReaders(serves: boolean): void {
  process.stderr.on('error', () => {})
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (serves) return
    if (code === 'EPIPE') process.exit(BROKEN_PIPE)
    process.stderr.write(`sluice: what it says cannot be written (${code ?? message})\n`)
    process.exit(1)
  })
}
