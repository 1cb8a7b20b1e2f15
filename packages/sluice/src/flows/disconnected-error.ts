/** Whoever works for a reader is told this when the reader was disconnected. */
export class DisconnectedError extends Error {
  /** `slow`, `stalled`, or what `disconnect` was called with. */
  readonly why: string

  constructor(name: string, why: string) {
    super(`${name} was disconnected: ${why}`)
    this.name = 'DisconnectedError'
    this.why = why
  }
}
