import { z } from 'zod'
import { choice, count, HEADER, NAME, optional, required, standard, flag, text, type Kind } from '../fields.ts'

/** What all ways to tell tenants apart have in common. */
interface Common {
  readonly required: boolean
  readonly fair: boolean
  readonly max: number
  readonly labels: 'hash' | 'name'
  readonly salt?: string | undefined
}

export interface HeaderTenants extends Common {
  readonly from: 'header'
  readonly header: string
  readonly roleHeader?: string | undefined
}

/** One who may come in by a key. */
export interface ApiKeyConfig {
  readonly key: string
  readonly role?: string | undefined
}

export interface ApiKeyTenants extends Common {
  readonly from: 'api-key'
  readonly header: string
  readonly keys: Readonly<Record<string, ApiKeyConfig>>
}

export interface JwtTenants extends Common {
  readonly from: 'jwt'
  readonly secret?: string | undefined
  readonly publicKeyFile?: string | undefined
  readonly jwks?: string | undefined
  readonly algorithms?: readonly string[] | undefined
  readonly issuer?: string | undefined
  readonly audience?: string | undefined
  readonly claim: string
  readonly roleClaim?: string | undefined
  /** The key set may be where credentials of the machine are handed out. */
  readonly allowLinkLocal: boolean
}

export interface AddressTenants extends Common {
  readonly from: 'address'
}

export type TenantsConfig = HeaderTenants | ApiKeyTenants | JwtTenants | AddressTenants

const ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

const PLAIN: Kind<string> = text('a text of 1 to 400 signs', (value) => value.length >= 1 && value.length <= 400)
const KEY: Kind<string> = text(
  'a key of at least 16 signs without spaces, or sha256: and the hash of one in hexadecimal',
  (key) => (key.startsWith('sha256:') ? /^sha256:[\da-f]{64}$/.test(key) : /^[\x21-\x7e]{16,400}$/.test(key)),
)
const SECRET: Kind<string> = text('a secret of at least 32 signs', (secret) => secret.length >= 32)
const WEB: Kind<string> = text('an https URL, or an http one of this machine', (value) => {
  if (!URL.canParse(value)) return false
  const { protocol, hostname, username, password } = new URL(value)
  const here = hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
  return (protocol === 'https:' || (protocol === 'http:' && here)) && username === '' && password === ''
})

const common = {
  required: standard(flag(), 'Refuse with 401 who cannot be told apart. False: their address stands for them.', false),
  fair: standard(flag(), 'Within a lane, waiting tenants take turns.', true),
  max: standard(count(1, 1_000_000), 'How many have a limit of their own; more share by hash.', 10_000),
  labels: standard(choice(['hash', 'name']), 'How they are called in metrics, page and logs.', 'hash'),
  salt: optional(PLAIN, 'Makes hashes the same on all instances and after a restart. Default: a random one.'),
}

const byHeader = z.strictObject({
  from: z.literal('header').meta({ description: 'A header that a trusted proxy sets.' }),
  header: required(HEADER, 'Believed from trustedProxies only.'),
  roleHeader: optional(HEADER, 'A header with the role, believed from trustedProxies only.'),
  ...common,
})

const byKey = z.strictObject({
  from: z.literal('api-key').meta({ description: 'A key from a table.' }),
  header: standard(HEADER, 'Where the key is; authorization takes `Bearer KEY`.', 'x-api-key'),
  keys: z
    .record(
      required(NAME, 'A name.') as z.ZodType<string, string>,
      z.strictObject({
        key: required(KEY, 'The key, best from the environment: ${ACME_KEY}; or sha256:….'),
        role: optional(NAME, 'For the rules of lanes.'),
      }),
    )
    .meta({ description: 'The tenants and their keys.' }),
  ...common,
})

const byToken = z.strictObject({
  from: z.literal('jwt').meta({ description: 'A claim of a verified JSON Web Token in Authorization: Bearer.' }),
  secret: optional(SECRET, 'For HS256 to HS512. One of secret, publicKeyFile and jwks.'),
  publicKeyFile: optional(PLAIN, 'A PEM file with a public key (SPKI). One of secret, publicKeyFile and jwks.'),
  jwks: optional(WEB, 'Where the key set is. One of secret, publicKeyFile and jwks.'),
  algorithms: z
    .array(required(choice(ALGORITHMS), 'An algorithm.'))
    .min(1)
    .max(ALGORITHMS.length)
    .optional()
    .meta({ description: 'Default: HS256 with a secret, RS256, PS256, ES256 and EdDSA else.' }),
  issuer: optional(PLAIN, 'What iss must be. Default: anything.'),
  audience: optional(PLAIN, 'What aud must be or hold. Default: anything.'),
  claim: standard(PLAIN, 'The claim that names the tenant.', 'sub'),
  roleClaim: optional(PLAIN, 'The claim with a role, or a list of them.'),
  allowLinkLocal: standard(flag(), 'Fetch the key set from link-local and cloud metadata addresses, too.', false),
  ...common,
})

const byAddress = z.strictObject({
  from: z.literal('address').meta({ description: 'The address of the client; IPv6 by /64.' }),
  ...common,
})

export const tenantsSection: z.ZodType<TenantsConfig> = z
  .discriminatedUnion('from', [byHeader, byKey, byToken, byAddress])
  .meta({ description: 'How clients are told apart, for limits by tenant, fair turns and roles.' })
