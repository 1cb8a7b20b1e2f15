import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answering } from './answering.ts'
import type { Call, CallListener } from './call.ts'
import type { Dialect, End, ErrorAnswer, Prompt, StreamWriter } from './dialects/dialect.ts'
import { InvalidRequest } from './dialects/dialect.ts'
import type { EmulatorSite } from './emulator.ts'
import { limitHeaders, retryHeaders } from './limit-headers.ts'
import type { ProviderRefusal } from './provider-refusal.ts'
import type { Route } from './route.ts'
import { readWish } from './wish.ts'

/** As much as Anthropic takes, in bytes. */
const LARGEST = 32 * 1024 * 1024

/** One call over HTTP: reads it, hands it to the provider, and writes what becomes of it. */
export class Visit implements CallListener {
  readonly #site: EmulatorSite
  readonly #res: ServerResponse
  readonly #route: Route
  readonly #id: string
  #call: Call | undefined
  #answering: Answering | undefined
  #prompt: Prompt | undefined
  #writer: StreamWriter | undefined
  #headers: Record<string, string> = {}
  #produced = 0
  #pending = ''

  constructor(site: EmulatorSite, req: IncomingMessage, res: ServerResponse, route: Route) {
    this.#site = site
    this.#res = res
    this.#route = route
    this.#id = site.nextId()
    this.#receive(req)
  }

  #receive(req: IncomingMessage): void {
    const parts: Buffer[] = []
    let length = 0
    let complete = false
    req.on('data', (part: Buffer) => {
      length += part.length
      if (length <= LARGEST) parts.push(part)
    })
    req.on('end', () => {
      complete = true
      this.#understand(req, length > LARGEST ? undefined : Buffer.concat(parts).toString())
    })
    // Without a listener an upload that breaks off would end the process.
    req.on('error', () => {})
    this.#res.on('close', () => {
      if (!complete) this.#site.provider.leftEarly()
      else this.#call?.leave()
    })
  }

  #understand(req: IncomingMessage, text: string | undefined): void {
    const { provider, answers } = this.#site
    const { dialect, path, count } = this.#route
    try {
      this.#site.admits(req)
      if (text === undefined) throw new InvalidRequest(413, 'Request exceeds the maximum size')
      const prompt = dialect.read(parsed(text), path)
      answers.known(prompt.model)
      if (count) {
        this.#send(200, { input_tokens: answers.inputOf(prompt) })
        return
      }
      const wish = readWish(single(req.headers['x-emulate']))
      const answering = answers.to(prompt, wish, this.#id, provider.providerWall)
      this.#prompt = prompt
      this.#answering = answering
      const { model, stream } = prompt
      const output = answering.reply.wording.length
      this.#call = provider.arrive({ ask: answering.ask, model, stream, output, id: wish.id, fault: wish.fault }, this)
    } catch (error) {
      provider.invalid()
      this.#headers = this.#limitHeaders()
      // A body nested a million deep must not be the end of everybody else's run.
      this.#fail(dialect.invalid(error instanceof InvalidRequest ? error : new InvalidRequest(400, String(error))))
    }
  }

  refused(refusal: ProviderRefusal): void {
    const { provider, retryAfter, shouldRetry } = this.#site
    const { profile } = provider.model
    this.#headers = { ...this.#limitHeaders(), ...retryHeaders(retryAfter ?? profile.retryAfter, refusal, shouldRetry) }
    this.#fail(this.#route.dialect.refuse(refusal, this.#prompt!.model, profile))
  }

  admitted(): void {
    this.#headers = this.#limitHeaders()
  }

  began(): void {
    if (!this.#prompt!.stream) return
    this.#writer = this.#route.dialect.stream(this.#answering!.reply)
    this.#res.writeHead(200, {
      ...this.#common(),
      'content-type': this.#dialect.contentType,
      'cache-control': 'no-cache',
    })
    this.#res.flushHeaders()
    this.#write(this.#writer.open())
  }

  tokens(count: number): void {
    const from = this.#produced
    this.#produced += count
    if (this.#writer !== undefined) this.#write(this.#writer.tokens(from, this.#produced))
  }

  finished(): void {
    const end: End = { produced: this.#produced, short: this.#produced < this.#answering!.reply.wording.length }
    if (this.#writer === undefined) {
      this.#send(200, this.#dialect.whole(this.#answering!.reply, end))
      return
    }
    this.#res.end(this.#pending + this.#writer.close(end))
    this.#pending = ''
  }

  broke(how: 'cut' | 'error'): void {
    if (this.#writer === undefined) {
      this.#res.destroy()
      return
    }
    const last = this.#pending + (how === 'error' ? this.#writer.error() : '')
    this.#pending = ''
    // What was said before the cut did arrive.
    if (how === 'error') this.#res.end(last)
    else if (last === '') this.#res.destroy()
    else this.#res.write(last, () => this.#res.destroy())
  }

  get #dialect(): Dialect {
    return this.#route.dialect
  }

  /** Tokens of one moment go out together. */
  #write(text: string): void {
    if (this.#pending === '') queueMicrotask(() => this.#flush())
    this.#pending += text
  }

  #flush(): void {
    if (this.#pending !== '' && !this.#res.destroyed) this.#res.write(this.#pending)
    this.#pending = ''
  }

  #fail({ status, body, headers }: ErrorAnswer): void {
    this.#headers = { ...this.#headers, ...headers }
    this.#send(status, body)
  }

  #send(status: number, body: unknown): void {
    if (this.#res.destroyed) return
    const text = JSON.stringify(body)
    this.#res
      .writeHead(status, {
        ...this.#common(),
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      })
      .end(text)
  }

  #common(): Record<string, string> {
    return { ...this.#headers, ...this.#site.dateHeader(), [this.#dialect.idHeader]: `req_${this.#id}` }
  }

  #limitHeaders(): Record<string, string> {
    const { provider, headerFault } = this.#site
    return limitHeaders(provider.model.profile.headers, provider.model.stood(), provider.providerWall, headerFault)
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
  } catch {
    // Said below, as for every other body that is no object.
  }
  throw new InvalidRequest(400, 'We could not parse the JSON body of your request.')
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}
