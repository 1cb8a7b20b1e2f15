/** A script for the server: sent by its hash, and in full where the server does not know it. */
export interface RedisScript {
  /** For errors and for people: `bucket-take`. */
  readonly name: string
  readonly source: string
  /** SHA-1 of `source`, in hexadecimal. */
  readonly sha: string
}

/** What is asked of a Redis client, whichever it is. Made by an adapter for node-redis or ioredis. */
export interface RedisPort {
  /**
   * Runs a script: EVALSHA, and EVAL where the server answers NOSCRIPT. Keys are all of one hash slot.
   * Rejects with what the client says; deadlines are the caller's.
   */
  run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>
  /** Listens to a channel (SSUBSCRIBE where there are shards), until the result is called. */
  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>>
  /** A section of INFO. */
  info(section: string): Promise<string>
  /** Gives back what the adapter has opened itself; a client that was handed in stays open. */
  close(): Promise<void>
}
