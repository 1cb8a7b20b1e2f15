import { request as plainRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { request as secureRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { Millis } from 'sluice'
import { visitOf } from 'sluice/http'
import { answer, requestHeaders, responseHeaders, type ForwardingRules, type ProxyCounts } from '../proxy/index.ts'
import type { Balancer, Member } from '../upstreams/index.ts'
import { Tunnel } from './tunnel.ts'
import { clientEndOf } from './upgrades.ts'

/** Where a WebSocket goes. */
export interface TunnelOptions {
  readonly balancer: Balancer
  readonly rules: ForwardingRules
  /** For the answer to the handshake, in ms. */
  readonly headersTimeout: Millis
  /** True: it keeps its slot as long as it is open; false: only until it is. */
  readonly holds: boolean
}

/** All WebSockets of a gateway: each a connection to an upstream of its own. */
export class Tunnels {
  readonly #counts: ProxyCounts
  readonly #open = new Set<Tunnel>()
  #leaving = false

  constructor(counts: ProxyCounts) {
    this.#counts = counts
  }

  get size(): number {
    return this.#open.size
  }

  /** Passes a handshake on; what the upstream answers instead of a WebSocket is passed back as what it is. */
  start(req: IncomingMessage, res: ServerResponse, { balancer, rules, headersTimeout, holds }: TunnelOptions): void {
    const member = balancer.choose()
    const errand = new Handshake(this.#counts, member, req)
    const { protocol, hostname, port } = new URL(member.origin)
    const secure = protocol === 'https:'
    const end = clientEndOf(req)
    const headers = end.asking(requestHeaders(req, rules))
    const out = (secure ? secureRequest : plainRequest)({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (secure ? 443 : 80) : Number(port),
      method: 'GET',
      path: req.url,
      headers,
      agent: false,
      timeout: headersTimeout,
      ...(balancer.lookup && { lookup: balancer.lookup }),
    })
    const left = (): void => {
      errand.end('departed')
      out.destroy()
    }
    res.on('close', left)
    out.on('timeout', () => {
      errand.fail(res, { status: 504, code: 'UPSTREAM_TIMEOUT', message: 'the upstream did not answer in time' })
      out.destroy()
    })
    out.on('error', (error: NodeJS.ErrnoException) => {
      const refused = error.code === 'ECONNREFUSED' || error.code === 'ENOTFOUND'
      const code = refused ? 'UPSTREAM_UNREACHABLE' : 'UPSTREAM_FAILED'
      errand.fail(res, { status: 502, code, message: `the upstream failed (${error.code ?? error.name})` })
    })
    out.on('response', (back) => {
      const kept = errand.heard(back)
      back.on('error', () => res.destroy())
      back.on('end', () => errand.end({ status: back.statusCode ?? 502 }))
      res.writeHead(back.statusCode ?? 502, kept)
      back.pipe(res)
    })
    out.on('upgrade', (back, upstream: Socket, head: Buffer) => {
      const kept = errand.heard(back)
      out.setTimeout(0)
      upstream.setTimeout(0)
      if (head.length > 0) upstream.unshift(head)
      if (!end.accept(res, back, kept)) {
        upstream.destroy()
        const message = 'the upstream did not accept the WebSocket it was asked for'
        return errand.fail(res, { status: 502, code: 'UPSTREAM_FAILED', message })
      }
      if (!holds) visitOf(req)?.end('success')
      const tunnel = new Tunnel(end, upstream, () => {
        this.#open.delete(tunnel)
        errand.end({ status: 101 })
      })
      res.off('close', left)
      this.#open.add(tunnel)
      if (this.#leaving) tunnel.goAway()
    })
    out.end()
  }

  /** Asks everybody to leave: with a close frame (1001), between two frames of the upstream's. */
  goAway(): void {
    this.#leaving = true
    for (const tunnel of this.#open) tunnel.goAway()
  }

  /** Cuts all of them. */
  close(): void {
    for (const tunnel of this.#open) tunnel.cut()
  }
}

/** What is counted of a handshake, once. */
class Handshake {
  readonly #counts: ProxyCounts
  readonly #member: Member
  readonly #req: IncomingMessage
  readonly #release: ReturnType<Member['occupy']>
  #over = false

  constructor(counts: ProxyCounts, member: Member, req: IncomingMessage) {
    this.#counts = counts
    this.#member = member
    this.#req = req
    this.#release = member.occupy()
    counts.active++
  }

  /** The headers of the answer that are for the client. */
  heard({ statusCode = 0, rawHeaders }: IncomingMessage): string[] {
    return responseHeaders(this.#member.hear(statusCode, rawHeaders, this.#req), statusCode)
  }

  fail(
    res: ServerResponse,
    own: { readonly status: number; readonly code: UpstreamTrouble; readonly message: string },
  ): void {
    if (this.#over) return
    this.end({ failure: own.code }, own.message)
    if (res.headersSent) res.destroy()
    else answer(this.#req, res, { ...own, retryAfter: 5 })
  }

  end(how: 'departed' | { readonly status: number } | { readonly failure: UpstreamTrouble }, wrong: string = ''): void {
    if (this.#over) return
    this.#over = true
    this.#counts.ended(how)
    this.#release(how === 'departed' ? undefined : 'status' in how, wrong)
  }
}

type UpstreamTrouble = 'UPSTREAM_TIMEOUT' | 'UPSTREAM_UNREACHABLE' | 'UPSTREAM_FAILED'
