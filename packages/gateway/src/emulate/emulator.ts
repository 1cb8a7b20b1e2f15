import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemRandom } from 'sluice'
import { Answers, type AnsweringOptions } from './answering.ts'
import { control, CONTROL } from './control.ts'
import { anthropicMessages } from './dialects/anthropic-messages.ts'
import { InvalidRequest } from './dialects/dialect.ts'
import { openaiChat } from './dialects/openai-chat.ts'
import type { HeaderFault } from './limit-headers.ts'
import { modelList } from './model-list.ts'
import type { RetryHint } from './profile.ts'
import { Provider, type ProviderOptions } from './provider.ts'
import { decoded, routeOf } from './route.ts'
import { Visit } from './visit.ts'

export interface EmulatorOptions extends ProviderOptions, AnsweringOptions {
  /** Default 0: any free one. */
  readonly port?: number
  /** Default 127.0.0.1. */
  readonly host?: string
  /** The key without which every call is a 401. Default: none is asked for. */
  readonly key?: string
  /** Default: headers are right. */
  readonly headerFault?: HeaderFault
  /** Default: what the profile says. */
  readonly retryAfter?: RetryHint
  /** Refusals carry `x-should-retry`. Default false. */
  readonly shouldRetry?: boolean
}

/** A provider behind HTTP. */
export interface Emulator {
  readonly port: number
  readonly provider: Provider
  /** Cuts off whatever is open. */
  close(): Promise<void>
}

/** What a {@link Visit} needs of the place. */
export interface EmulatorSite {
  readonly provider: Provider
  readonly answers: Answers
  readonly headerFault: HeaderFault | undefined
  readonly retryAfter: RetryHint | undefined
  readonly shouldRetry: boolean
  nextId(): string
  dateHeader(): Record<string, string>
  /** @throws InvalidRequest for a call without the key */
  admits(req: IncomingMessage): void
}

/** Starts an emulated provider. Rejects when it cannot listen. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const provider = new Provider(options)
  const site = siteOf(options, provider)
  const server = createServer((req, res) => serve(site, req, res))
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, options.host ?? '127.0.0.1', () => resolve())
  })
  return {
    port: (server.address() as AddressInfo).port,
    provider,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function siteOf(options: EmulatorOptions, provider: Provider): EmulatorSite {
  let count = 0
  const { key, clockSkew = 0 } = options
  return {
    provider,
    answers: new Answers(options, options.random ?? systemRandom),
    headerFault: options.headerFault,
    retryAfter: options.retryAfter,
    shouldRetry: options.shouldRetry ?? false,
    nextId: () => (++count).toString(36).padStart(16, '0'),
    dateHeader: () => (clockSkew === 0 ? {} : { date: new Date(provider.providerWall).toUTCString() }),
    admits: ({ headers }) => {
      if (key === undefined) return
      const given = [headers['x-api-key'], headers['api-key'], headers['x-goog-api-key']]
      if (!given.includes(key) && headers.authorization !== `Bearer ${key}`)
        throw new InvalidRequest(401, 'Incorrect API key provided.', undefined, 'invalid_api_key')
    },
  }
}

function serve(site: EmulatorSite, req: IncomingMessage, res: ServerResponse): void {
  const path = (req.url ?? '/').split('?', 1)[0]!
  if (path.startsWith(CONTROL)) {
    control(site.provider, req, res)
    return
  }
  const route = req.method === 'POST' ? routeOf(path) : undefined
  if (route !== undefined) {
    // Nothing refers to it but its request and its response.
    void new Visit(site, req, res, route)
    return
  }
  lookUp(site, req, res, path)
}

function lookUp(site: EmulatorSite, req: IncomingMessage, res: ServerResponse, path: string): void {
  const style = site.provider.model.profile.headers === 'anthropic' || 'anthropic-version' in req.headers
  const dialect = style ? anthropicMessages : openaiChat
  const [, wanted] = /^(?:\/openai)?(?:\/v1)?\/models(?:\/([^/]+))?$/.exec(path) ?? [undefined, null]
  let answer: { readonly status: number; readonly body: unknown }
  try {
    site.admits(req)
    if (req.method !== 'GET' || wanted === null)
      throw new InvalidRequest(404, `Unknown request URL: ${req.method} ${path}.`, undefined, 'unknown_url')
    const model = wanted === undefined ? undefined : decoded(wanted)
    answer = { status: 200, body: modelList(style ? 'anthropic' : 'openai', site.answers.models, model) }
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error
    answer = dialect.invalid(error)
  }
  req.resume()
  res.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
}
