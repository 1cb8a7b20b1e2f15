import { z } from 'zod'
import type { Millis } from 'sluice'
import type { Lane } from 'sluice/http'
import { choice, duration, NAME, optional, PATH, required, text, type Kind } from '../fields.ts'

/** Which requests go where, past what. */
export interface RouteConfig {
  readonly name?: string | undefined
  readonly host?: string | undefined
  readonly path?: string | undefined
  readonly methods?: readonly string[] | undefined
  readonly upstream?: string | undefined
  readonly limits?: readonly string[] | undefined
  readonly timeout?: Millis | undefined
  readonly deadline?: Millis | undefined
  readonly lane?: Lane | undefined
  readonly websocket?: 'hold' | 'handshake' | undefined
}

const DAY = 86_400_000

const HOST: Kind<string> = {
  expected: 'a host name, like api.example.com or *.example.com',
  json: { type: 'string' },
  read: (value) =>
    typeof value === 'string' && /^(\*\.)?[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?$/i.test(value)
      ? value.toLowerCase()
      : undefined,
}

/** What `sluice` passes on at all. */
export const METHOD: Kind<string> = text(
  'a method in capitals, like GET',
  (method) => /^[A-Z]{1,20}$/.test(method) && method !== 'CONNECT' && method !== 'TRACE',
  '^[A-Z]+$',
)

/** How much a request matters. */
export const LANE: Kind<Lane> = choice(['critical', 'high', 'normal', 'low'])

const route: z.ZodType<RouteConfig> = z.strictObject({
  name: optional(NAME, 'For people and metrics. Default: its place, like route-1.'),
  host: optional(HOST, 'Without a port; *.example.com for all below. Default: any.'),
  path: optional(PATH, 'A path, or /api/* for all below. Default: any.'),
  methods: z.array(required(METHOD, 'A method.')).min(1).max(32).optional().meta({ description: 'Default: any.' }),
  upstream: optional(NAME, 'Where its requests go. Default: the only upstream there is.'),
  limits: z
    .array(required(NAME, 'The name of a limit.'))
    .max(16)
    .optional()
    .meta({ description: 'What its requests pass, outermost first. Default: the limit called default. []: none.' }),
  timeout: optional(
    duration(1, DAY),
    'For the answer to be complete once a request was let in; then 504. Default: none.',
  ),
  deadline: optional(
    duration(1, DAY),
    'From arrival on, waiting included; later a request is not begun. Default: none.',
  ),
  websocket: optional(
    choice(['hold', 'handshake']),
    'Whether a WebSocket keeps its slot as long as it is open, or only until it is. Default: hold.',
  ),
  lane: optional(LANE, 'How much its requests matter, where no rule of lanes says otherwise.'),
})

export const routesSection: z.ZodType<readonly RouteConfig[]> = z
  .array(route)
  .min(1)
  .max(1000)
  .meta({ description: 'The first that fits a request decides. Default: everything to the only upstream.' })
