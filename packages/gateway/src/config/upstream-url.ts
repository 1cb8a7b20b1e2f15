import { ConfigError } from './config-error.ts'

const EXPECTED = 'an origin like http://127.0.0.1:3000, without path, query or credentials'

/**
 * Reads where requests go: `http:` or `https:`, a host, perhaps a port.
 * @throws ConfigError
 */
export function upstreamUrl(setting: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new ConfigError(setting, value, EXPECTED)
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    // A password is not for the terminal.
    if (url.password !== '') url.password = '***'
    throw new ConfigError(setting, url.href, EXPECTED)
  }
  return url
}
