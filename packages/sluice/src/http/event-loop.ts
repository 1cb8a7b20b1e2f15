/** What a {@link Pacer} asks of the loop it runs on. */
export interface EventLoop {
  /** Runs `run` once, after whatever has arrived by then has been read, and never before returning. */
  afterReading(run: () => void): void
  /** How many connections have been accepted so far. Only differences mean anything. */
  readonly accepted: number
}
