import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import {
  createRemoteJWKSet,
  importSPKI,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose'
import { ConfigProblems, type TenantsConfig } from '../config/index.ts'
import type { Identity } from './identity.ts'

type JwtTenants = Extract<TenantsConfig, { readonly from: 'jwt' }>

/** A longer token is not looked at. */
const LONGEST = 8192
/** Tokens whose verification is remembered, so that most requests need none. */
const REMEMBERED = 10_000
/** No longer than this, in ms: a key may be withdrawn. */
const TRUSTED_FOR = 60_000

/** Says whose a token is; at once where it was verified lately. */
export type TokenReader = (token: string) => Identity | undefined | Promise<Identity | undefined>

interface Remembered {
  readonly identity: Identity | undefined
  readonly until: number
}

const PUBLIC = ['RS256', 'PS256', 'ES256', 'EdDSA']

/**
 * Verifies tokens. A token that is not in order, expired, for somebody else or of nobody counts as none.
 * @throws ConfigProblems where the key cannot be read
 */
export async function tokens(config: JwtTenants): Promise<TokenReader> {
  const { issuer, audience, secret } = config
  const options: JWTVerifyOptions = {
    algorithms: [...(config.algorithms ?? (secret === undefined ? PUBLIC : ['HS256']))],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    clockTolerance: 5,
  }
  const verify = await verifier(config, options)
  const known = new Map<string, Remembered>()

  const remember = (hash: string, identity: Identity | undefined, expires: number): Identity | undefined => {
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value!)
    known.set(hash, { identity, until: Math.min(expires, Date.now() + TRUSTED_FOR) })
    return identity
  }

  return (token) => {
    if (token.length > LONGEST) return undefined
    const hash = createHash('sha256').update(token).digest('base64')
    const before = known.get(hash)
    if (before !== undefined && before.until > Date.now()) return before.identity
    return verify(token).then(
      (payload) => remember(hash, identityOf(payload, config), (payload.exp ?? Infinity) * 1000),
      (error: unknown) => {
        // What is wrong with a token stays wrong with it; that a key set cannot be had may pass.
        return lasting(error) ? remember(hash, undefined, Infinity) : undefined
      },
    )
  }
}

async function verifier(
  config: JwtTenants,
  options: JWTVerifyOptions,
): Promise<(token: string) => Promise<JWTPayload>> {
  const { secret, publicKeyFile, jwks } = config
  if (jwks !== undefined) {
    const keys: JWTVerifyGetKey = createRemoteJWKSet(new URL(jwks), { timeoutDuration: 2000 })
    return async (token) => (await jwtVerify(token, keys, options)).payload
  }
  if (secret !== undefined) {
    const key = new TextEncoder().encode(secret)
    return async (token) => (await jwtVerify(token, key, options)).payload
  }
  const pem = await readFile(publicKeyFile!, 'utf8').catch((error: NodeJS.ErrnoException) =>
    unreadable(publicKeyFile!, error.code ?? error.message),
  )
  const key = await importSPKI(pem, options.algorithms![0]!).catch((error: Error) =>
    unreadable(publicKeyFile!, error.message),
  )
  return async (token) => (await jwtVerify(token, key, options)).payload
}

function unreadable(file: string, why: string): never {
  const expected = 'a PEM file with a public key (SPKI) for the first of the algorithms'
  throw new ConfigProblems([{ place: '', field: 'tenants.publicKeyFile', got: `${file} (${why})`, expected }])
}

function identityOf(payload: JWTPayload, { claim, roleClaim }: JwtTenants): Identity | undefined {
  const tenant = own(payload, claim)
  if (typeof tenant !== 'string' || tenant === '' || tenant.length > 200) return undefined
  const role = roleClaim === undefined ? undefined : own(payload, roleClaim)
  const roles = (Array.isArray(role) ? role : [role]).filter((each) => typeof each === 'string')
  return { tenant, roles }
}

function own(payload: JWTPayload, claim: string): unknown {
  return Object.hasOwn(payload, claim) ? payload[claim] : undefined
}

function lasting(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^ERR_J(WT|WS)/.test(code) && code !== 'ERR_JWKS_TIMEOUT'
}
