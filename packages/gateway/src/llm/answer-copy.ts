import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Millis } from 'sluice'
import { cacheControl, serveKept, type ResponseCache } from '../cache/index.ts'
import { headerOf } from './answer-head.ts'
import type { Head } from './reply.ts'

/** What an {@link AnswerCopy} is made of. */
export interface AnswerCopyParts {
  readonly cache: ResponseCache
  /** An answer may be this old, in ms. */
  readonly age: Millis
  readonly tenant: string
  readonly req: IncomingMessage
  /** Of the request. */
  readonly body: Buffer
}

/** Whose answers they are: what somebody is answered is told to nobody else. */
const WHO = ['authorization', 'x-api-key', 'api-key', 'cookie'] as const

/**
 * The last whole answer to a request like this one, byte for byte, of the same tenant with the same credentials to the same
 * path: kept on its way, for whoever asks again when there is no room.
 */
export class AnswerCopy {
  readonly #parts: AnswerCopyParts
  readonly #key: string
  readonly #asks: ReturnType<typeof cacheControl>
  #chunks: Buffer[] | undefined
  #bytes = 0
  #type = ''

  constructor(parts: AnswerCopyParts) {
    const { req, tenant, body } = parts
    this.#parts = parts
    this.#asks = cacheControl(req.headers['cache-control'])
    const who = WHO.map((name) => req.headers[name])
    const hash = createHash('sha256')
      .update(JSON.stringify([tenant, who, req.url]))
      .update(body)
    this.#key = `llm ${hash.digest('base64')}`
  }

  /** Answers with what is kept, where there is anything. @returns whether it did */
  serve(res: ServerResponse): boolean {
    if (this.#asks.has('no-cache') || this.#asks.has('no-store')) return false
    const { cache, req } = this.#parts
    const now = Date.now()
    const kept = cache.find(this.#key, () => undefined, true, now)
    if (kept === undefined) return false
    serveKept(req, res, kept, now)
    return true
  }

  /** An answer begins: one that is whole and good, and does not forbid it, is kept. */
  begin({ status, raw }: Head): void {
    const type = headerOf(raw, 'content-type') ?? ''
    const forbids = this.#asks.has('no-store') || cacheControl(headerOf(raw, 'cache-control')).has('no-store')
    if (status !== 200 || forbids || !type.startsWith('application/json')) return
    this.#type = type
    this.#chunks = []
  }

  add(chunk: Uint8Array): void {
    if (this.#chunks === undefined) return
    const { cache } = this.#parts
    if (this.#bytes + chunk.length > cache.config.maxEntry || !cache.reserve(chunk.length)) return this.drop()
    this.#chunks.push(Buffer.from(chunk))
    this.#bytes += chunk.length
  }

  /** It has come to its end. */
  keep(): void {
    if (this.#chunks === undefined) return
    const { cache, age } = this.#parts
    const body = Buffer.concat(this.#chunks)
    this.drop()
    const now = Date.now()
    cache.keep(this.#key, {
      status: 200,
      headers: ['content-type', this.#type],
      body,
      at: now,
      age: 0,
      freshUntil: now + age,
      goodUntil: now + age,
      forAll: true,
      etag: undefined,
      vary: [],
    })
  }

  /** Nothing is kept. Idempotent. */
  drop(): void {
    this.#parts.cache.release(this.#bytes)
    this.#chunks = undefined
    this.#bytes = 0
  }
}
