import { z } from 'zod'
import type { Millis } from 'sluice'
import { choice, count, duration, flag, NAME, PATH, required, standard, quantity, type Kind } from '../fields.ts'
import { upstreamUrl } from '../upstream-url.ts'

/** One server of an upstream. */
export interface ServerConfig {
  readonly url: string
  readonly weight: number
}

/** Asking a server whether it is well. */
export interface HealthConfig {
  readonly path: string
  readonly every: Millis
  readonly timeout: Millis
  readonly failAfter: number
  readonly passAfter: number
}

/** Judging a server by what it answers. */
export interface PassiveConfig {
  readonly failures: number
  readonly restFor: Millis
}

export interface BreakerConfig {
  readonly failures: number
  readonly openFor: Millis
  readonly probes: number
}

/** Servers that can stand in for each other. */
export interface UpstreamConfig {
  readonly servers: readonly ServerConfig[]
  readonly hostHeader: 'client' | 'upstream'
  /** Ask its servers over HTTP/2. */
  readonly http2: boolean
  readonly health?: HealthConfig | undefined
  readonly passive: PassiveConfig
  readonly breaker?: BreakerConfig | undefined
  readonly timeouts: { readonly connect: Millis; readonly headers: Millis; readonly body: Millis }
  /** Also where credentials of the machine are handed out. */
  readonly allowLinkLocal: boolean
}

export type UpstreamsConfig = Readonly<Record<string, UpstreamConfig>>

const ORIGIN: Kind<string> = {
  expected: 'an origin like http://127.0.0.1:3000, without path, query or credentials',
  json: { type: 'string' },
  read(value) {
    try {
      return typeof value === 'string' ? upstreamUrl('url', value).origin : undefined
    } catch {
      return undefined
    }
  },
}

const DAY = 86_400_000

const server: z.ZodType<ServerConfig> = z.strictObject({
  url: required(ORIGIN, 'Scheme, host and port: http://10.0.0.5:3000.'),
  weight: standard(quantity(0.01, 1000), 'How much it can do compared with the others.', 1),
})

const health: z.ZodType<HealthConfig> = z
  .strictObject({
    path: standard(PATH, 'What is asked for, with GET. A 2xx or 3xx is well.', '/health'),
    every: standard(duration(100, DAY), 'How often.', '5s'),
    timeout: standard(duration(10, 600_000), 'How long the answer may take.', '2s'),
    failAfter: standard(count(1, 100), 'So many failures in a row take it out.', 3),
    passAfter: standard(count(1, 100), 'So many good answers in a row take it back.', 2),
  })
  .meta({ description: 'Asks each server whether it is well. Left out: nobody asks.' })

const passive: z.ZodType<PassiveConfig> = z
  .strictObject({
    failures: standard(
      count(0, 1000),
      'So many requests in a row that got no answer, or 502 or 504, take a server out for a while. 0: never.',
      5,
    ),
    restFor: standard(duration(100, DAY), 'For how long; then one request tries.', '10s'),
  })
  .meta({ description: 'Judges servers by what they answer. Where all are out, all are used.' })

const breaker: z.ZodType<BreakerConfig> = z
  .strictObject({
    failures: standard(count(1, 10_000), 'So many failures in a row (5xx, no answer) open it.', 5),
    openFor: standard(duration(100, DAY), 'How long it stays open before it tries again.', '30s'),
    probes: standard(count(1, 1000), 'How many try at once while it is half open, and must all succeed.', 1),
  })
  .meta({ description: 'A circuit breaker before this upstream. Left out: none.' })

const timeouts: z.ZodType<UpstreamConfig['timeouts']> = z
  .strictObject({
    connect: standard(duration(1, DAY), 'For a connection to be accepted.', '5s'),
    headers: standard(duration(1, DAY), 'From a request to the head of its answer, to within a second.', '60s'),
    body: standard(duration(0, DAY), 'Between two pieces of an answer. 0s: no bound.', '5m'),
  })
  .meta({ description: 'How long an upstream may take.' })

const upstream: z.ZodType<UpstreamConfig> = z.strictObject({
  servers: z.array(server).min(1).max(256).meta({
    description: 'Servers that can stand in for each other. Of two chosen at random the less busy one is asked.',
  }),
  hostHeader: standard(choice(['client', 'upstream']), 'Whose host header the upstream sees.', 'client'),
  http2: standard(
    flag(),
    'Ask over HTTP/2: https servers choose (ALPN) and may take HTTP/1.1, http servers must speak it from the first byte.',
    false,
  ),
  health: health.optional(),
  passive: passive.prefault({}),
  breaker: breaker.optional(),
  timeouts: timeouts.prefault({}),
  allowLinkLocal: standard(
    flag(),
    'Connect to link-local and cloud metadata addresses, too: 169.254.0.0/16, fe80::/10 and their like.',
    false,
  ),
})

export const upstreamsSection: z.ZodType<UpstreamsConfig> = z
  .record(required(NAME, 'A name.') as z.ZodType<string, string>, upstream)
  .meta({ description: 'The services behind the gateway, by name.' })
