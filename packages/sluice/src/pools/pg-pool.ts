/** What the guard touches of a node-postgres client. */
export interface PgClient {
  query(text: string): Promise<{ readonly rows: readonly unknown[] }>
  release(error?: Error | boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
  /** From pg 8.17 on. */
  getTransactionStatus?(): string | null
}

/** What the guard touches of a node-postgres pool. */
export interface PgPool {
  readonly options: { readonly max: number }
  readonly idleCount: number
  connect(): Promise<PgClient>
  query(text: string, values?: unknown[]): Promise<unknown>
  end(): Promise<void>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'remove', listener: (client: unknown) => void): unknown
}
