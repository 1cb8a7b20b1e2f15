import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ClientEnd } from './client-end.ts'
import { Frames } from './frames.ts'

/** A close frame from a server: 1001, going away. */
const GOING_AWAY = Uint8Array.of(0x88, 0x02, 0x03, 0xe9)

/** Two connections as one: what comes on either goes out on the other at the pace of whoever reads it. */
export class Tunnel {
  readonly #end: ClientEnd
  readonly #client: Duplex
  readonly #upstream: Socket
  readonly #frames = new Frames()
  #leaving = false

  /** @param ended called once, when both are closed */
  constructor(end: ClientEnd, upstream: Socket, ended: () => void) {
    const { duplex: client } = end
    this.#end = end
    this.#client = client
    this.#upstream = upstream
    let open = 2
    const closed = (finishOther: () => void): void => {
      // What it had sent before still goes out.
      finishOther()
      if (--open === 0) ended()
    }
    upstream.setNoDelay(true)
    if (client instanceof Socket) client.setNoDelay(true)
    for (const one of [client, upstream]) one.on('error', () => one.destroy())
    client.on('close', () => closed(() => upstream.destroySoon()))
    upstream.on('close', () => closed(() => end.finish()))
    client.pipe(upstream)
    upstream.on('data', (chunk: Uint8Array) => this.#pass(chunk))
    upstream.on('end', () => client.end())
    client.on('drain', () => upstream.resume())
    if (client.destroyed) upstream.destroy()
  }

  goAway(): void {
    this.#leaving = true
    this.#leave()
  }

  cut(): void {
    this.#client.destroy()
    this.#upstream.destroy()
  }

  #pass(chunk: Uint8Array): void {
    if (this.#client.writableEnded) return
    this.#frames.feed(chunk)
    this.#end.sent(chunk.length)
    if (!this.#client.write(chunk)) this.#upstream.pause()
    if (this.#leaving) this.#leave()
  }

  #leave(): void {
    if (!this.#frames.whole || this.#client.writableEnded) return
    this.#client.end(GOING_AWAY)
    this.#upstream.end()
  }
}
