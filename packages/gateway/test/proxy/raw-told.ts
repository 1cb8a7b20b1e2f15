// What the raw client's reader and node's own make of the same bytes, in the same words.
import { request } from 'node:http'
import { createRequire } from 'node:module'
import { Duplex } from 'node:stream'
import { RawResponse } from '../../src/proxy/raw-response.ts'

/** What a reader understood. */
export interface Told {
  /** False: refused, or not complete when the connection ended. */
  readonly whole: boolean
  readonly status: number
  readonly headers: readonly string[]
  readonly body: string
  readonly trailers: readonly string[]
  /** How many bytes it was, where it was whole. */
  readonly end: number
}

/** By the raw client, in pieces that end at `cuts`, at the end of which the connection is closed in order. */
export function toldByRaw(bytes: Buffer, head: boolean, cuts: readonly number[] = []): Told {
  const response = new RawResponse()
  const told = { status: 0, headers: [] as readonly string[], body: '' }
  const listener = {
    head(status: number, _reason: string, headers: readonly string[]): void {
      told.status = status
      told.headers = headers
    },
    data(chunk: Buffer, from: number, to: number): void {
      told.body += chunk.toString('latin1', from, to)
    },
  }
  response.expect(head)
  let end = 0
  let from = 0
  for (const cut of [...cuts, bytes.length]) {
    end += response.take(bytes.subarray(from, cut), listener)
    from = cut
    if (response.done || response.flaw !== undefined) break
  }
  const trailers = response.trailers ?? []
  return { whole: response.flaw === undefined && response.close(), ...told, trailers, end }
}

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void
  execute(bytes: Buffer): number | Error
  finish(): Error | undefined
  [event: number]: unknown
}

interface ParserClass {
  new (): Parser
  readonly RESPONSE: number
  readonly kOnHeaders: number
  readonly kOnHeadersComplete: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
}

// The parser `http.request` uses, without the streams around it: a hundred thousand of those would take minutes.
const { HTTPParser } = createRequire(import.meta.url)('_http_common') as { HTTPParser: ParserClass }

/** By node's own parser, used as its HTTP client does; `whole` when exactly one final response is in the bytes. */
export function toldByNode(bytes: Buffer, head: boolean): Told {
  const parser = new HTTPParser()
  parser.initialize(HTTPParser.RESPONSE, {}, 16_384, 0)
  let [status, body, finals, ends, informational] = [0, '', 0, 0, false]
  let headers: readonly string[] = []
  let early: string[] = []
  const trailers: string[] = []
  let upgraded = false
  parser[HTTPParser.kOnHeaders] = (part: string[]): void => void (finals === 0 ? early : trailers).push(...part)
  parser[HTTPParser.kOnHeadersComplete] = (
    _major: number,
    _minor: number,
    raw: string[] | undefined,
    _method: unknown,
    _url: unknown,
    code: number,
    _reason: string,
    upgrade: boolean,
  ): number => {
    informational = code < 200
    if (upgrade || code === 101) upgraded = true
    if (informational) {
      early = []
      return 1
    }
    finals++
    status = code
    headers = raw ?? early
    return head ? 1 : 0
  }
  parser[HTTPParser.kOnBody] = (chunk: Buffer): void => {
    body += chunk.toString('latin1')
  }
  parser[HTTPParser.kOnMessageComplete] = (): void => {
    if (!informational) ends++
  }
  const taken = parser.execute(bytes)
  const refused = taken instanceof Error || parser.finish() instanceof Error
  return {
    whole: !refused && !upgraded && finals === 1 && ends === 1,
    status,
    headers,
    body,
    trailers,
    end: bytes.length,
  }
}

/** By `http.request` itself, over a connection that says these bytes and closes. */
export async function toldByRequest(bytes: Buffer, head: boolean): Promise<Told> {
  const connection = new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      done()
      connection.push(bytes)
      connection.push(null)
    },
  })
  const none: readonly string[] = []
  const told = { status: 0, headers: none, body: '', trailers: none, end: bytes.length }
  const whole = await new Promise<boolean>((resolve) => {
    request({ method: head ? 'HEAD' : 'GET', createConnection: () => connection })
      .on('error', () => resolve(false))
      .on('upgrade', () => resolve(false))
      .on('response', (response) => {
        told.status = response.statusCode ?? 0
        told.headers = response.rawHeaders
        response
          .on('data', (chunk: Buffer) => void (told.body += chunk.toString('latin1')))
          .on('error', () => resolve(false))
          .on('close', () => {
            told.trailers = response.rawTrailers
            resolve(response.complete)
          })
      })
      .end()
  })
  connection.destroy()
  return { whole, ...told }
}
