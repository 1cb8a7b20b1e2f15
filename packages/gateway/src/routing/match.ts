import type { IncomingMessage } from 'node:http'
import type { RoutePlan } from '../config/index.ts'

/** Whether a request belongs to a route, if its path is read like this; `undefined` where all do. */
export type Matcher = (req: IncomingMessage, path: string) => boolean

export function matcherOf({ host, path: rule, methods }: RoutePlan): Matcher | undefined {
  const tests: Matcher[] = []
  if (methods !== undefined) {
    const known = new Set(methods)
    tests.push(({ method = '' }) => known.has(method))
  }
  if (host !== undefined) tests.push(({ headers }) => hostFits(host, headers.host))
  if (rule !== undefined && rule !== '/*') tests.push((_req, path) => pathFits(rule, path))
  if (tests.length === 0) return undefined
  return (req, path) => tests.every((test) => test(req, path))
}

/** @param rule a name in lower case, or `*.` and one for all below */
export function hostFits(rule: string, header: string | undefined): boolean {
  const host = (header ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
  return rule.startsWith('*.') ? host.endsWith(rule.slice(1)) && host.length > rule.length - 1 : host === rule
}

/** @param rule a path, or one that ends in `/*` for all below */
export function pathFits(rule: string, path: string): boolean {
  return rule.endsWith('/*') ? path.startsWith(rule.slice(0, -1)) : path === rule
}

/** Without its query. */
export function pathOf({ url = '' }: IncomingMessage): string {
  const cut = url.indexOf('?')
  return cut === -1 ? url : url.slice(0, cut)
}

/** What some servers read as it is and others do not: escapes, backslashes, doubled slashes, dot segments. */
const DISGUISE = /[%\\]|\/\/|\/\.{1,2}(?:\/|$)/

/**
 * How a server reads a path that takes every disguise off it; `undefined` where there is none. What this is matched by must
 * be the same as for the path as it came: else somebody could pass by a rule, or reach one, in disguise.
 */
export function plainPath(path: string): string | undefined {
  if (!DISGUISE.test(path)) return undefined
  const plain: string[] = []
  const segments = decoded(path).replaceAll('\\', '/').split('/')
  for (const [at, segment] of segments.entries()) {
    const last = at === segments.length - 1
    if (segment === '..') plain.pop()
    if (segment === '..' || segment === '.' || segment === '') {
      if (last) plain.push('')
    } else plain.push(segment)
  }
  return `/${plain.join('/')}`
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    // Not UTF-8, or no escape at all: what can be read is read by itself.
    return path.replaceAll(/%[0-7][\da-f]/gi, (escape) => decodeURIComponent(escape))
  }
}
