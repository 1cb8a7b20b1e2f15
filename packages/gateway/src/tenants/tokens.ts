import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { LookupFunction } from 'node:net'
import {
  createRemoteJWKSet,
  customFetch,
  importSPKI,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose'
import { fair, semaphore } from 'sluice'
import { Agent, fetch } from 'undici'
import { ConfigProblems, type TenantsConfig } from '../config/index.ts'
import { guardedLookup } from '../outward/index.ts'
import type { Identity } from './identity.ts'

type JwtTenants = Extract<TenantsConfig, { readonly from: 'jwt' }>

/** A longer token is not looked at. */
const LONGEST = 8192
/** Three parts in base64url; what is anything else need not be verified to be bad. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/
/** Tokens whose verification is remembered, so that most requests need none: so many good ones, and as many bad ones. */
const REMEMBERED = 10_000
/** No longer than this, in ms: a key may be withdrawn. */
const TRUSTED_FOR = 60_000

/** Verified at once: more than there are threads to do it, so that none is idle. */
const AT_ONCE = 16
/** Tokens nobody knows yet that may wait for their verification, and for how long: longer than a key set may take. */
const WAITING = { capacity: 1000, maxWait: 3000 }

/**
 * Says whose a token is; at once where it was verified lately. Else senders take turns, so that one that sends many is
 * not in the way of others.
 * @param from who sends it
 * @throws RejectedError, later, where too many wait
 */
export type TokenReader = (token: string, from?: string) => Identity | undefined | Promise<Identity | undefined>

interface Remembered {
  readonly identity: Identity | undefined
  readonly until: number
}

const PUBLIC = ['RS256', 'PS256', 'ES256', 'EdDSA']

/**
 * Verifies tokens. A token that is not in order, expired, for somebody else or of nobody counts as none.
 * @param resolve says where the name of a key set leads; default: the system's
 * @throws ConfigProblems where the key cannot be read
 */
export async function tokens(config: JwtTenants, resolve?: LookupFunction): Promise<TokenReader> {
  const { issuer, audience, secret } = config
  const options: JWTVerifyOptions = {
    algorithms: [...(config.algorithms ?? (secret === undefined ? PUBLIC : ['HS256']))],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    clockTolerance: 5,
  }
  const verify = await verifier(config, options, resolve)
  const gate = semaphore({ name: 'tokens', permits: AT_ONCE, queue: fair(WAITING) })
  // Apart, or whoever sends bad ones would push the good ones out.
  const good = new Map<string, Remembered>()
  const bad = new Map<string, Remembered>()
  const pending = new Map<string, Promise<Identity | undefined>>()

  const remember = (hash: string, identity: Identity | undefined, expires: number): Identity | undefined => {
    const table = identity === undefined ? bad : good
    table.delete(hash)
    if (table.size >= REMEMBERED) table.delete(table.keys().next().value!)
    table.set(hash, { identity, until: Math.min(expires, Date.now() + TRUSTED_FOR) })
    return identity
  }

  const find = async (token: string, hash: string): Promise<Identity | undefined> => {
    try {
      const payload = await verify(token)
      return remember(hash, identityOf(payload, config), (payload.exp ?? Infinity) * 1000)
    } catch (error) {
      // What is wrong with a token stays wrong with it; that a key set cannot be had may pass.
      return lasting(error) ? remember(hash, undefined, Infinity) : undefined
    }
  }

  return (token, from = '') => {
    if (token.length > LONGEST || !COMPACT.test(token)) return undefined
    const hash = createHash('sha256').update(token).digest('base64')
    const before = good.get(hash) ?? bad.get(hash)
    if (before !== undefined && before.until > Date.now()) return before.identity
    const underWay = pending.get(hash)
    if (underWay !== undefined) return underWay
    const found = gate.run(() => find(token, hash), { flow: from }).finally(() => pending.delete(hash))
    pending.set(hash, found)
    return found
  }
}

async function verifier(
  config: JwtTenants,
  options: JWTVerifyOptions,
  resolve: LookupFunction | undefined,
): Promise<(token: string) => Promise<JWTPayload>> {
  const { secret, publicKeyFile, jwks, allowLinkLocal } = config
  if (jwks !== undefined) {
    const lookup = allowLinkLocal ? resolve : guardedLookup(resolve)
    // Asked for seldom: each time on a connection of its own, whose address is looked up anew.
    const dispatcher = new Agent({ pipelining: 0, connect: { ...(lookup && { lookup }) } })
    const keys: JWTVerifyGetKey = createRemoteJWKSet(new URL(jwks), {
      timeoutDuration: 2000,
      [customFetch]: (url, asked) => fetch(url, { ...asked, headers: [...asked.headers], dispatcher }),
    })
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
