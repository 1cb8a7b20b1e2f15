import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { FuzzTarget } from '../../../sluice/dist/test/fuzz/fuzz-target.js'
import { isLoopbackHost } from '../../src/admin/loopback-host.ts'
import { flawOf, MOST_HEADERS } from '../../src/proxy/screen.ts'
import { isHopByHop, requestHeaders, responseHeaders } from '../../src/proxy/index.ts'
import { hostFits, plainPath } from '../../src/routing/index.ts'

const socket = new Socket()
Object.defineProperty(socket, 'remoteAddress', { value: '::ffff:192.0.2.1' })

/** A request as node:http hands it over: a request line, then a header a line. */
function requestOf(text: string): IncomingMessage {
  const [line = '', ...lines] = text.split('\n')
  const req = new IncomingMessage(socket)
  const [method = '', url = '', version = ''] = line.split(' ')
  Object.assign(req, { method, url, httpVersion: version.replace('HTTP/', '') })
  for (const each of lines) {
    const colon = each.indexOf(':')
    // A header without a name does not get past node:http.
    if (colon < 1) continue
    const [name, value] = [each.slice(0, colon), each.slice(colon + 1).trim()]
    req.rawHeaders.push(name, value)
    Object.defineProperty(req.headers, name.toLowerCase(), { value, enumerable: true, configurable: true })
  }
  return req
}

const names = (raw: readonly string[]): string[] => raw.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())

function assertClean(passed: readonly string[], given: readonly string[]): void {
  assert.equal(passed.length % 2, 0)
  const all = names(passed)
  for (const name of all) assert.ok(!isHopByHop(name), name)
  for (let i = 0; i < given.length; i += 2) {
    if (given[i]!.toLowerCase() !== 'connection') continue
    for (const option of given[i + 1]!.toLowerCase().split(',')) {
      const name = option.trim()
      const added = ['host', 'content-length', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'via']
      if (!added.includes(name)) assert.ok(!all.includes(name), name)
    }
  }
}

export const targets: readonly FuzzTarget[] = [
  {
    name: 'http-screen',
    weight: 10,
    seeds: [
      'GET /a?b HTTP/1.1\nHost: a\nAccept: */*\nConnection: close, X-Gone\nX-Gone: 1',
      'POST /x HTTP/1.1\nHost: a:80\nTransfer-Encoding: chunked\nExpect: 100-continue',
      'PUT / HTTP/1.0\nhost: [::1]\ncontent-length: 3\nx-forwarded-for: 9.9.9.9',
    ],
    words: [
      'Transfer-Encoding: identity, chunked\n',
      'Content-Length: 3\n',
      'Host: b\n',
      'Authorization: x\n',
      '\nconnection: content-length',
      '\n__proto__: x',
      'HTTP/2.0',
      'http://evil/',
      '#',
      '*',
      'TRACE',
      'CONNECT',
      'x-a: b\n',
    ],
    check(input) {
      const req = requestOf(input)
      const flaw = flawOf(req)
      if (flaw !== undefined) {
        assert.ok(flaw.status >= 400 && flaw.status < 600 && flaw.code !== '' && flaw.message !== '')
        return
      }
      assert.ok(req.url?.startsWith('/') && !req.url.includes('#'))
      assert.ok(req.rawHeaders.length <= 2 * MOST_HEADERS)
      for (const trustForwarded of [false, true]) {
        const passed = requestHeaders(req, { host: 'client', upstreamHost: 'inner:1', trustForwarded })
        assertClean(passed, req.rawHeaders)
        const all = names(passed)
        for (const once of ['host', 'content-length', 'authorization', 'x-forwarded-for'])
          assert.ok(all.filter((name) => name === once).length <= 1, once)
        // Framed in one way or not at all.
        assert.ok(!(all.includes('content-length') && req.headers['transfer-encoding'] !== undefined))
        const last = passed[passed.indexOf('x-forwarded-for') + 1]!
        assert.ok(trustForwarded ? last.endsWith('192.0.2.1') : last === '192.0.2.1')
      }
      assertClean(responseHeaders(req.rawHeaders, 200), req.rawHeaders)
    },
  },
  {
    name: 'admin-hosts',
    weight: 2,
    seeds: ['localhost', '127.0.0.1:9090', '[::1]:9090', 'a.localhost'],
    words: ['.', ':', '[', ']', '@', '/', 'evil.example', '127.0.0.1', '::'],
    check(input) {
      if (!isLoopbackHost(input)) return
      // A name with an empty label, or one too long, is none that a browser sends.
      const url = `http://${input.replace(/:\d+$/, '')}`
      if (!URL.canParse(url)) return
      const { hostname } = new URL(url)
      assert.match(hostname, /^(?:(?:.*\.)?localhost|[\d.]+|\[[\da-f:.]+\])$/i)
    },
  },
  {
    name: 'route-matching',
    weight: 4,
    seeds: ['/api/a', '/api/a/../b?x', '/api/%2e%2e/secret', '//api/a'],
    words: ['/', '..', '%2e', '%2F', '\\', '//', '?', '/./', 'api', ';'],
    check(input) {
      // eslint-disable-next-line no-control-regex -- node:http lets nothing else through
      const path = `/${input.replaceAll(/[^\x21-\x7e]|[?#]/g, '')}`
      const plain = plainPath(path) ?? path
      assert.match(plain, /^\//)
      assert.doesNotMatch(plain, /\/\.{1,2}(?:\/|$)/)
      // A browser's reading of it wears no other disguise. Empty segments some keep and some drop.
      const { pathname } = new URL(`http://a${path}`)
      if (!/\/[/\\]|\\|%2f|%5c|%3f|%23/i.test(path)) assert.equal(plainPath(pathname) ?? pathname, plain)
      if (hostFits('*.shop.example', input)) assert.match(input, /\.shop\.example\.?(?::\d+)?$/i)
    },
  },
]
