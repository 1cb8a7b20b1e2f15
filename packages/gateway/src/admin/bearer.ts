import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** True where a request carries this token; compared in a time that tells nothing about it. */
export function bearer({ headers }: IncomingMessage, token: string | undefined): boolean {
  const [, given] = /^bearer +([\x21-\x7e]{1,400}) *$/i.exec(headers.authorization ?? '') ?? []
  return token !== undefined && given !== undefined && timingSafeEqual(hashOf(given), hashOf(token))
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
