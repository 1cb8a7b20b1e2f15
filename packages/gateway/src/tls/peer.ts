import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'

/** Who is at the other end of a session, and how many of its streams are open. */
export interface Peer {
  readonly session: Http2Session
  /** Of the session. */
  readonly socket: Socket
  readonly encrypted: boolean
  /** A stream has begun: there may be an answer on its way. */
  hasBegun: boolean
  open: number
  /** What had been read of it when it was looked at last, in bytes. */
  read: number
  /** Nothing had come, and it was asked for a sign of life. */
  isAsked: boolean
}
