import type { IncomingMessage } from 'node:http'
import { RejectedError } from 'sluice'
import { byAddress, type Caller } from 'sluice/http'
import type { TenantsConfig } from '../config/index.ts'
import { apiKeys } from './api-keys.ts'
import { busy, unauthenticated, type Identity, type Unknown } from './identity.ts'

type Told = Identity | Unknown

/** Says who asks; later only where a token is seen for the first time. */
export type Identify = (caller: Caller<IncomingMessage>) => Told | Promise<Told>

const BEARER = /^bearer +([\x21-\x7e]+) *$/i
/** A name a proxy gives; longer ones are no names. */
const LONGEST = 200

/** How clients are told apart. @throws ConfigProblems where a key cannot be read */
export async function identification(config: TenantsConfig): Promise<Identify> {
  const otherwise = (caller: Caller<IncomingMessage>, message: string): Told =>
    config.required ? unauthenticated(message) : { tenant: addressOf(caller), roles: [] }
  if (config.from === 'address') return (caller) => ({ tenant: addressOf(caller), roles: [] })
  if (config.from === 'header')
    return (caller) => {
      const tenant = caller.trusted ? caller.header(config.header) : undefined
      if (tenant === undefined || tenant === '' || tenant.length > LONGEST)
        return otherwise(caller, 'no trusted proxy has said who this is from')
      const role = config.roleHeader === undefined ? undefined : caller.header(config.roleHeader)
      return { tenant, roles: role?.split(',').map((each) => each.trim()) ?? [] }
    }
  if (config.from === 'api-key') {
    const find = apiKeys(config.keys)
    return (caller) => {
      const value = caller.header(config.header)
      const key = config.header === 'authorization' ? BEARER.exec(value ?? '')?.[1] : value
      const found = key === undefined ? undefined : find(key)
      return found ?? otherwise(caller, `${config.header} must carry a key that is known here`)
    }
  }
  // Takes a while to load, and most gateways need none of it.
  const { tokens } = await import('./tokens.ts')
  const read = await tokens(config)
  const settle = (caller: Caller<IncomingMessage>, found: Identity | undefined): Told =>
    found ?? otherwise(caller, 'authorization must carry a bearer token that is valid here')
  return (caller) => {
    const token = BEARER.exec(caller.header('authorization') ?? '')?.[1]
    const found = token === undefined ? undefined : read(token, addressOf(caller))
    return found instanceof Promise ? found.then((late) => settle(caller, late), tooMany) : settle(caller, found)
  }
}

/** It is not the token that is wrong. @throws everything else */
function tooMany(error: unknown): Unknown {
  if (!(error instanceof RejectedError)) throw error
  return busy(error.rejection)
}

function addressOf(caller: Caller<IncomingMessage>): string {
  return byAddress(caller) ?? 'unknown'
}
