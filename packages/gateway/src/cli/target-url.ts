import { ConfigError } from '../config/index.ts'

/** Load is offered to `http:` only; a path and a query are part of what is asked for. */
const EXPECTED = 'an http URL like http://127.0.0.1:3000/orders, without credentials'

/**
 * Reads where load goes.
 * @throws ConfigError
 */
export function targetUrl(setting: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || url.protocol !== 'http:') throw new ConfigError(setting, value, EXPECTED)
  if (url.username === '' && url.password === '') return url
  // A password is not for the terminal.
  if (url.password !== '') url.password = '***'
  throw new ConfigError(setting, url.href, EXPECTED)
}

/** Why this target may not be loaded; nothing when it may. */
export function forbidden(url: URL, allowRemote: boolean): string | undefined {
  const host = url.hostname.replaceAll(/[[\]]/g, '')
  if (allowRemote || host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)) return undefined
  return `${host} is not this machine; load may harm it: --allow-remote says that it is yours to load`
}
