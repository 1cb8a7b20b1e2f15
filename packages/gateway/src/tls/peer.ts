import type { Http2Session } from 'node:http2'

/** Who is at the other end of a session, and how many of its streams are open. */
export interface Peer {
  readonly session: Http2Session
  readonly address: string | undefined
  open: number
}
