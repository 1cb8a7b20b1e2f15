import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { ConfigProblems, type TlsConfig } from '../config/index.ts'

/** What the gateway shows to clients, and proves to have. */
export interface Identity {
  /** PEM. */
  readonly cert: string
  readonly key: string
  readonly minVersion: TlsConfig['minVersion']
  /** The names it is for, as the certificate has them. */
  readonly names: string
  /** Until when it is good. */
  readonly until: Date
}

const CERT = 'a PEM file with a certificate and those that vouch for it'
const KEY = 'a PEM file with the private key of listen.tls.cert, without a passphrase'

/** Reads certificate and key. @throws ConfigProblems where they cannot be read, or do not belong together */
export async function identityOf({ cert: certFile, key: keyFile, minVersion }: TlsConfig): Promise<Identity> {
  const [cert, key] = await Promise.all([
    textOf('listen.tls.cert', certFile, CERT),
    textOf('listen.tls.key', keyFile, KEY),
  ])
  const leaf = parsed('listen.tls.cert', certFile, CERT, () => new X509Certificate(cert), 'no certificate')
  const noKey = key.includes('ENCRYPTED') ? 'one with a passphrase' : 'no private key'
  const secret = parsed('listen.tls.key', keyFile, KEY, () => createPrivateKey(key), noKey)
  if (!leaf.checkPrivateKey(secret)) wrong('listen.tls.key', keyFile, KEY, 'the key of another one')
  // The rest of the chain, and what OpenSSL thinks too weak.
  parsed('listen.tls.cert', certFile, CERT, () => createSecureContext({ cert, key, minVersion }))
  const names = leaf.subjectAltName ?? leaf.subject
  return { cert, key, minVersion, names: names.replaceAll(/\s+/g, ' '), until: new Date(leaf.validTo) }
}

async function textOf(field: string, file: string, expected: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    return wrong(field, file, expected, (error as NodeJS.ErrnoException).code ?? String(error))
  }
}

/** @param why where the error itself says nothing to people */
function parsed<T>(field: string, file: string, expected: string, parse: () => T, why?: string): T {
  try {
    return parse()
  } catch (error) {
    return wrong(field, file, expected, why ?? (error as Error).message)
  }
}

function wrong(field: string, file: string, expected: string, why: string): never {
  throw new ConfigProblems([{ place: '', field, got: `${file} (${why})`, expected }])
}
