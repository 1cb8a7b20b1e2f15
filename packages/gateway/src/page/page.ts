import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The page as it is served. */
export interface Page {
  readonly html: Buffer
  readonly headers: Readonly<Record<string, string>>
}

/** Made by `scripts/page.mjs`. */
const FILE = new URL('../../page/page.html', import.meta.url)

const INLINE = /<(style|script)[^>]*>([\s\S]*?)<\/\1>/g

/**
 * The page of the admin port: one file with everything in it, which may run its own script, wear its own style and talk to
 * its own server, and nothing else.
 * @param sides what the demo compares; none for a gateway
 */
export function page(sides: readonly string[] = []): Page {
  const html = readFileSync(FILE, 'utf8').replace(
    '<meta name="sluice-sides" content=""',
    () => `<meta name="sluice-sides" content="${sides.join(',')}"`,
  )
  const hashes: Record<string, string[]> = { script: [], style: [] }
  for (const [, element, content] of html.matchAll(INLINE))
    hashes[element!]!.push(`'sha256-${createHash('sha256').update(content!).digest('base64')}'`)
  const policy = [
    "default-src 'none'",
    `script-src ${hashes['script']!.join(' ')}`,
    // The charts set sizes on their own elements.
    `style-src ${hashes['style']!.join(' ')}`,
    "style-src-attr 'unsafe-inline'",
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    html: Buffer.from(html),
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policy.join('; '),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    },
  }
}
