import { createHash } from 'node:crypto'
import type { RedisScript } from './port.ts'

/** A script under the hash the server knows it by. */
export function redisScript(name: string, source: string): RedisScript {
  return { name, source, sha: createHash('sha1').update(source).digest('hex') }
}

/** What a server before Redis 7 says of the first line of a script, which tells a later one when it may not run. */
function tooOld(error: unknown): never {
  if (error instanceof Error && error.message.includes("unexpected symbol near '#'"))
    throw new Error(`Redis 7 or later, or Valkey, is needed; this server says: ${error.message}`)
  throw error
}

/**
 * Runs a script by its hash, and in full where the server does not know it: after a restart, a failover or a SCRIPT
 * FLUSH that costs one round trip once, and nobody has to have loaded anything before.
 */
export async function runScript(byHash: () => Promise<unknown>, inFull: () => Promise<unknown>): Promise<unknown> {
  try {
    return await byHash()
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('NOSCRIPT')) return inFull().catch(tooOld)
    throw error
  }
}
