import type { Millis } from 'sluice'
import { ConfigError } from './config-error.ts'
import { choice, count, type Kind } from './fields.ts'
import { masked } from './masked.ts'
import { PRESET_NAMES, type PresetName } from './presets.ts'
import type { Environment } from './read-config.ts'
import { ADDRESS, TOKEN } from './sections/listen.ts'
import { REDIS_URL } from './sections/redis.ts'
import { switchOf, type Settings } from './settings.ts'
import { upstreamUrl } from './upstream-url.ts'

/** What flags and the environment may say; each wins over the file. */
export interface GatewaySettings extends Settings {
  /** The service, where there is only one: an origin. */
  readonly upstream?: string
  /** Several of the same kind instead: origins. */
  readonly servers?: readonly string[]
  /** Language models behind the gateway, and what they speak. */
  readonly llm?: 'openai' | 'anthropic'
  /** Ask streams of them for their usage. */
  readonly llmUsage?: 'pass' | 'inject'
  readonly host?: string
  readonly port?: number
  /** Files in PEM: both, or neither. */
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly adminHost?: string
  readonly adminPort?: number
  readonly adminToken?: string
  readonly preset?: PresetName
  readonly redis?: string
  /** Makes the default limit one of the fleet. */
  readonly onDown?: 'share' | 'open' | 'closed'
  readonly dryRun?: boolean
  readonly headersTimeout?: Millis
  readonly drainTimeout?: Millis
  readonly hostHeader?: 'client' | 'upstream'
  /** Believe what anybody says in `x-forwarded-*`. */
  readonly trustForwarded?: boolean
}

/** The variables of the gateway; `PORT` and those of requirement S3.4 come besides. */
export const GATEWAY_VARIABLES = [
  'SLUICE_UPSTREAM',
  'SLUICE_HOST',
  'SLUICE_PORT',
  'SLUICE_TLS_CERT',
  'SLUICE_TLS_KEY',
  'SLUICE_ADMIN_HOST',
  'SLUICE_ADMIN_PORT',
  'SLUICE_ADMIN_TOKEN',
  'SLUICE_PRESET',
  'SLUICE_REDIS_URL',
  'SLUICE_ON_DOWN',
  'SLUICE_DRY_RUN',
  'SLUICE_UPSTREAM_CLIENT',
] as const

type Variable = (typeof GATEWAY_VARIABLES)[number]

/** What the environment says, without the variables of S3.4. Empty ones are not there. @throws ConfigError */
export function environmentGatewaySettings(environment: Environment): GatewaySettings {
  const settings: { -readonly [K in keyof GatewaySettings]: GatewaySettings[K] } = {}
  const read = (name: Variable | 'PORT', use: (value: string) => void): void => {
    const value = environment[name]
    if (value !== undefined && value.trim() !== '') use(value.trim())
  }
  const as = <T>(kind: Kind<T>, name: Variable | 'PORT', value: string): T => {
    const found = kind.read(value)
    if (found !== undefined) return found
    const shown = kind === TOKEN ? '***' : masked(value)
    throw new ConfigError(name, shown, kind.expected)
  }
  const port = count(0, 65_535)
  read('PORT', (value) => (settings.port = as(port, 'PORT', value)))
  read('SLUICE_PORT', (value) => (settings.port = as(port, 'SLUICE_PORT', value)))
  read('SLUICE_ADMIN_PORT', (value) => (settings.adminPort = as(port, 'SLUICE_ADMIN_PORT', value)))
  read('SLUICE_HOST', (value) => (settings.host = as(ADDRESS, 'SLUICE_HOST', value)))
  read('SLUICE_TLS_CERT', (value) => (settings.tlsCert = value))
  read('SLUICE_TLS_KEY', (value) => (settings.tlsKey = value))
  read('SLUICE_ADMIN_HOST', (value) => (settings.adminHost = as(ADDRESS, 'SLUICE_ADMIN_HOST', value)))
  read('SLUICE_ADMIN_TOKEN', (value) => (settings.adminToken = as(TOKEN, 'SLUICE_ADMIN_TOKEN', value)))
  read('SLUICE_UPSTREAM', (value) => (settings.upstream = upstreamUrl('SLUICE_UPSTREAM', value).origin))
  read('SLUICE_PRESET', (value) => (settings.preset = as(choice(PRESET_NAMES), 'SLUICE_PRESET', value)))
  read('SLUICE_REDIS_URL', (value) => (settings.redis = as(REDIS_URL, 'SLUICE_REDIS_URL', value)))
  const policy = choice(['share', 'open', 'closed'])
  read('SLUICE_ON_DOWN', (value) => (settings.onDown = as(policy, 'SLUICE_ON_DOWN', value)))
  read('SLUICE_DRY_RUN', (value) => (settings.dryRun = switchOf('SLUICE_DRY_RUN', value)))
  // Read where it is needed, when that is loaded: here it is only known to make sense.
  read('SLUICE_UPSTREAM_CLIENT', (value) => void as(choice(['undici']), 'SLUICE_UPSTREAM_CLIENT', value))
  return settings
}
