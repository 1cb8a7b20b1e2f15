/** What the first process orders: end in order, end now, read the configuration again. */
export type Order = 'drain' | 'end' | 'reload'

/** What a worker says. */
export type Report =
  | { readonly kind: 'listening'; readonly port: number; readonly adminPort: number }
  /** Somebody has ordered on its admin port that all end. */
  | { readonly kind: 'drain' }
