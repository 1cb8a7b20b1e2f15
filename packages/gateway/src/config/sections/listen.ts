import { z } from 'zod'
import { isIP } from 'node:net'
import type { Millis } from 'sluice'
import { trust } from 'sluice/http'
import {
  choice,
  count,
  duration,
  flag,
  optional,
  quantity,
  required,
  size,
  standard,
  text,
  type Kind,
} from '../fields.ts'

/** What the gateway shows to clients on the data port. */
export interface TlsConfig {
  /** A file in PEM: the certificate, and after it those that vouch for it. */
  readonly cert: string
  /** A file in PEM: the private key, without a passphrase. */
  readonly key: string
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
}

/** When load makes unready; levels in percent. */
export interface ReadinessConfig {
  readonly above: number
  readonly until?: number | undefined
  readonly sheddingAbove: number
  readonly sheddingFor: Millis
  readonly settle: Millis
}

/** Where the gateway listens, and whom it believes. */
export interface ListenConfig {
  readonly host: string
  readonly port: number
  readonly tls?: TlsConfig | undefined
  /** HTTP/2 without TLS. */
  readonly h2c: boolean
  readonly adminHost: string
  readonly adminPort: number
  readonly adminToken?: string | undefined
  readonly trustedProxies: readonly string[]
  readonly clientTimeout?: Millis | undefined
  readonly bodyPace: { readonly bytes: number; readonly over: Millis }
  readonly drainTimeout: Millis
  readonly readiness?: ReadinessConfig | undefined
}

/** Where to listen. */
export const ADDRESS: Kind<string> = text(
  'an IP address of this machine, or localhost',
  (address) => isIP(address) !== 0 || address === 'localhost',
)

/** What lets in where a stranger is not. */
export const TOKEN: Kind<string> = text('16 to 200 letters and signs without spaces', (token) =>
  /^[\x21-\x7e]{16,200}$/.test(token),
)

const RANGE: Kind<string> = text('an address, a range like 10.0.0.0/8, or loopback, linklocal, private', (range) => {
  try {
    trust([range])
    return true
  } catch {
    return false
  }
})

const PORT = count(0, 65_535)

const FILE: Kind<string> = text('the path of a file', (path) => path !== '' && !/[\0\n]/.test(path))

/** The oldest TLS that is spoken, where nothing is said. */
export const MIN_VERSION = 'TLSv1.2'

const tlsSection: z.ZodType<TlsConfig> = z
  .strictObject({
    cert: required(FILE, 'A PEM file: the certificate, and after it those that vouch for it.'),
    key: required(FILE, 'A PEM file: the private key, without a passphrase.'),
    minVersion: standard(choice(['TLSv1.2', 'TLSv1.3']), 'The oldest version that is spoken.', MIN_VERSION),
  })
  .meta({
    description:
      'HTTP/1.1 and HTTP/2 over TLS on the data port. Left out: HTTP/1.1 without, and HTTP/2 where h2c says so.',
  })

const bodyPace: z.ZodType<ListenConfig['bodyPace']> = z
  .strictObject({
    bytes: standard(size(0, 2 ** 30), 'So much must move in that time. 0B: nothing need.', '1000B'),
    over: standard(duration(1000, 86_400_000), 'To within a second.', '10s'),
  })
  .meta({
    description:
      'How fast clients must send a body, and read an answer while others want its place; else their connection ends.',
  })

const PERCENT = quantity(0, 100)
const LONGEST = 3_600_000

const readinessSection: z.ZodType<ReadinessConfig> = z
  .strictObject({
    above: standard(PERCENT, 'Unready while processor or memory is above so many percent.', 90),
    until: optional(PERCENT, 'And until it has fallen to so many. Default: 10 below.'),
    sheddingAbove: standard(PERCENT, 'So many percent refused for want of room are shedding, if more.', 10),
    sheddingFor: standard(duration(0, LONGEST), 'So long without a pause makes unready.', '10s'),
    settle: standard(duration(0, LONGEST), 'Ready again when every cause has been gone for so long.', '5s'),
  })
  .meta({
    description:
      'Load, too, makes /health/ready 503 (S1.9). Left out: only starting and draining do, since whoever is taken out under load leaves it to fewer.',
  })

export const listenSection: z.ZodType<ListenConfig> = z
  .strictObject({
    host: standard(ADDRESS, 'Address of the data port.', '0.0.0.0'),
    port: standard(PORT, 'The data port; 0 takes any free one.', 8080),
    tls: tlsSection.optional(),
    h2c: standard(flag(), 'HTTP/2 without TLS, too, from clients that begin with it (prior knowledge).', false),
    adminHost: standard(ADDRESS, 'Address of the admin port. Other than loopback needs an adminToken.', '127.0.0.1'),
    adminPort: standard(PORT, 'Health, metrics, snapshot, control; 0 takes any free one.', 9090),
    adminToken: optional(
      TOKEN,
      'What `Authorization: Bearer …` must carry on the admin port; without it nothing can be controlled there.',
    ),
    trustedProxies: z
      .array(required(RANGE, 'An address, a range, or loopback, linklocal, private.'))
      .max(256)
      .default([])
      .meta({
        description:
          'Peers whose headers are believed: x-forwarded-for, priority, deadlines, tenants and roles by header.',
      }),
    clientTimeout: optional(
      duration(1000, 86_400_000),
      'How long nothing at all may move on a connection with a request on it. Default: 5 minutes, or twice the longest headers timeout.',
    ),
    bodyPace: bodyPace.prefault({}),
    drainTimeout: standard(duration(0, 86_400_000), 'For what is in progress to end after SIGTERM.', '30s'),
    readiness: readinessSection.optional(),
  })
  .meta({ description: 'Where the gateway listens, and whom it believes.' })
