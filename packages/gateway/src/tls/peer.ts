import type { Http2Session } from 'node:http2'

/** Who is at the other end of a session, and how many of its streams are open. */
export interface Peer {
  readonly session: Http2Session
  readonly address: string | undefined
  readonly encrypted: boolean
  open: number
  /** What had been read of it when it was looked at last, in bytes. */
  read: number
  /** Nothing had come, and it was asked for a sign of life. */
  isAsked: boolean
}
