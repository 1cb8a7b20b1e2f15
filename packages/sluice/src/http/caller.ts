import type { Reader } from './reader.ts'
import type { Trust } from './trust.ts'

/** What is known of a request before its body is read, and by whom. */
export class Caller<Req> {
  readonly request: Req
  readonly #reader: Reader<Req>
  readonly #trust: Trust

  constructor(request: Req, reader: Reader<Req>, trust: Trust) {
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
    return this.#trust.believes(this.#reader.peer(this.request))
  }

  /** Who asks; behind proxies that are believed, whom they say. One spelling for each address. */
  get address(): string | undefined {
    return this.#trust.client(this.#reader.peer(this.request), this.#reader.header(this.request, 'x-forwarded-for'))
  }

  /** Whatever the client says; believe it only when {@link trusted}, or when it proves itself (a signed token). */
  header(name: string): string | undefined {
    return this.#reader.header(this.request, name)
  }
}
