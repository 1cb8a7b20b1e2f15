import type { Reader } from './reader.ts'
import type { Trust, Wishes } from './trust.ts'

/** How IPv4 is spelled on a socket that takes IPv6 as well. */
const MAPPED = /^::ffff:(?=[\d.]+$)/i

/** What is known of a request before its body is read, and by whom. */
export class Caller<Req> {
  readonly request: Req
  readonly #reader: Reader<Req>
  readonly #trust: Trust | undefined

  /** @param trust whose headers are believed. Default: nobody's */
  constructor(request: Req, reader: Reader<Req>, trust?: Trust) {
    this.request = request
    this.#reader = reader
    this.#trust = trust
  }

  /** In capitals. */
  get method(): string {
    return this.#reader.method(this.request)
  }

  /** Without the query. */
  get path(): string {
    const target = this.#reader.target(this.request)
    const cut = target.indexOf('?')
    return cut === -1 ? target : target.slice(0, cut)
  }

  /** True when the request comes from a peer whose headers are believed. */
  get trusted(): boolean {
    return this.#trust?.believes(this.#reader.peer(this.request)) ?? false
  }

  /**
   * Who asks: the peer, as the platform spells it, but IPv4 always in dots; behind proxies that are believed, whom they
   * say, in one spelling for each address.
   */
  get address(): string | undefined {
    const peer = this.#reader.peer(this.request)
    if (this.#trust === undefined) return peer?.replace(MAPPED, '')
    return this.#trust.client(peer, this.#reader.header(this.request, 'x-forwarded-for'))
  }

  /** What it asks for, where that counts: for a peer that is believed. */
  get wishes(): Wishes | undefined {
    return this.trusted ? this.#trust?.wishes((name) => this.header(name)) : undefined
  }

  /** Whatever the client says; believe it only when {@link trusted}, or when it proves itself (a signed token). */
  header(name: string): string | undefined {
    return this.#reader.header(this.request, name)
  }
}
