import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { requestHeaders, type ForwardingRules } from '../../src/proxy/request-headers.ts'
import { responseHeaders } from '../../src/proxy/response-headers.ts'

const RULES: ForwardingRules = { host: 'client', upstreamHost: 'inner:3000', trustForwarded: false }

/** The headers of a request from 192.0.2.1 as they go on. */
function passedOn(raw: readonly string[], rules: Partial<ForwardingRules> = {}, address = '192.0.2.1'): string[] {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: address })
  const req = new IncomingMessage(socket)
  req.rawHeaders = [...raw]
  for (let i = 0; i < raw.length; i += 2) req.headers[raw[i]!.toLowerCase()] ??= raw[i + 1]!
  return requestHeaders(req, { ...RULES, ...rules })
}

const ADDED = [
  'x-forwarded-for',
  '192.0.2.1',
  'x-forwarded-proto',
  'http',
  'x-forwarded-host',
  'a',
  'via',
  '1.1 sluice',
]

describe('request headers', () => {
  it('keep their order, their case and their repetition', () => {
    const raw = ['Host', 'a', 'Cookie', '1', 'X-B', 'x', 'cookie', '2']
    assert.deepEqual(passedOn(raw), ['Cookie', '1', 'X-B', 'x', 'cookie', '2', 'host', 'a', ...ADDED])
  })

  it('lose what concerns the connection, and what it names', () => {
    const raw = [
      'Host',
      'a',
      'Connection',
      'close , X-Gone,Host',
      'x-gone',
      '1',
      'TE',
      'gzip, x-trailers',
      'Expect',
      '100-continue',
    ]
    assert.deepEqual(passedOn([...raw, 'Trailer', 'x', 'Upgrade', 'h2c']), ['host', 'a', ...ADDED])
  })

  it('say anew that trailers are read, and that some come where there can be any', () => {
    for (const te of ['trailers', 'gzip;q=0.5 , Trailers'])
      assert.deepEqual(passedOn(['Host', 'a', 'Connection', 'te', 'TE', te]).slice(-4), [
        'te',
        'trailers',
        'via',
        '1.1 sluice',
      ])
    const coded = ['Host', 'a', 'Transfer-Encoding', 'chunked', 'Trailer', 'x-sum']
    assert.deepEqual(passedOn(coded).slice(0, 2), ['Trailer', 'x-sum'])
    assert.deepEqual(passedOn([...coded, 'Connection', 'trailer']), ['host', 'a', ...ADDED])
  })

  it('never carry a transfer-encoding, and a length only where it is true', () => {
    assert.deepEqual(passedOn(['Host', 'a', 'Transfer-Encoding', 'chunked', 'Content-Length', '5']), [
      'host',
      'a',
      ...ADDED,
    ])
    assert.deepEqual(passedOn(['Host', 'a', 'Content-Length', '5']), ['Content-Length', '5', 'host', 'a', ...ADDED])
    // Naming it in Connection does not make a body disappear.
    assert.ok(passedOn(['Host', 'a', 'Connection', 'content-length', 'Content-Length', '5']).includes('Content-Length'))
  })

  it('say who sent it, whatever the client says, unless clients are trusted', () => {
    const raw = ['Host', 'a', 'X-Forwarded-For', '9.9.9.9', 'X-Forwarded-Proto', 'https', 'Forwarded', 'for=9.9.9.9']
    assert.deepEqual(passedOn(raw), ['host', 'a', ...ADDED])
    const trusted = passedOn(raw, { trustForwarded: true })
    assert.deepEqual(trusted.slice(0, 4), ['X-Forwarded-Proto', 'https', 'Forwarded', 'for=9.9.9.9'])
    assert.equal(trusted[trusted.indexOf('x-forwarded-for') + 1], '9.9.9.9, 192.0.2.1')
    assert.ok(!trusted.includes('x-forwarded-proto'))
  })

  it('S3.6 do not carry the priority, nor any word of who sent it, of a stranger to a service that believes us', () => {
    const raw = ['Host', 'a', 'Priority', 'u=0', 'X-Forwarded-Prefix', '/x', 'X-Real-IP', '9.9.9.9', 'X-Forwarded', 'y']
    assert.deepEqual(passedOn(raw), ['X-Forwarded', 'y', 'host', 'a', ...ADDED])
    assert.deepEqual(passedOn(raw, { trustForwarded: true }).slice(0, 8), raw.slice(2))
  })

  it('with underscores do not say what was dropped, or judged, with dashes', () => {
    const raw = ['Host', 'a', 'X-Api-Key', 'mine', 'x_own', '1', '__proto__', 'x']
    const disguised = ['X_Forwarded_For', '9.9.9.9', 'X-Forwarded_Host', 'b', 'transfer_encoding', 'chunked']
    const twins = ['X_Api-Key', 'yours', 'x_real_ip', '9.9.9.9']
    for (const rules of [{}, { trustForwarded: true }])
      assert.deepEqual(passedOn([...raw, ...disguised, ...twins], rules), [...raw.slice(2), 'host', 'a', ...ADDED])
  })

  it('give an IPv4 address in its own notation', () => {
    const headers = passedOn(['Host', 'a'], {}, '::ffff:10.0.0.1')
    assert.equal(headers[headers.indexOf('x-forwarded-for') + 1], '10.0.0.1')
  })

  it("name the client's host or the upstream's", () => {
    assert.deepEqual(passedOn(['Host', 'a'], { host: 'upstream' }).slice(0, 2), ['host', 'inner:3000'])
    assert.deepEqual(passedOn([]).slice(0, 2), ['host', 'inner:3000'])
    assert.ok(!passedOn([]).includes('x-forwarded-host'))
  })

  it('may be called __proto__', () => {
    assert.deepEqual(passedOn(['Host', 'a', '__proto__', 'x']).slice(0, 2), ['__proto__', 'x'])
  })
})

describe('response headers', () => {
  it('keep their order and repetition and lose what concerns the connection', () => {
    const raw = [
      'Set-Cookie',
      '1',
      'Connection',
      'close, x-gone',
      'Set-Cookie',
      '2',
      'X-Gone',
      '1',
      'Keep-Alive',
      'timeout=5',
    ]
    const kept = ['Set-Cookie', '1', 'Set-Cookie', '2', 'via', '1.1 sluice']
    const trailing = [...raw, 'Transfer-Encoding', 'chunked', 'Trailer', 'x']
    assert.deepEqual(responseHeaders(trailing, 200), kept)
    // Announced where they can come, and nowhere else.
    const announced = [...kept.slice(0, -2), 'trailer', 'x', ...kept.slice(-2)]
    const asked = (more: object = {}): Parameters<typeof responseHeaders>[2] & {} => ({
      headers: { te: 'trailers' },
      httpVersion: '1.1',
      method: 'GET',
      ...more,
    })
    assert.deepEqual(responseHeaders(trailing, 200, asked()), announced)
    for (const nowhere of [{ headers: {} }, { httpVersion: '1.0' }, { method: 'HEAD' }])
      assert.deepEqual(responseHeaders(trailing, 200, asked(nowhere)), kept)
    for (const status of [204, 304]) assert.deepEqual(responseHeaders(trailing, status, asked()), kept)
    for (const length of [
      ['Content-Length', '2', ...trailing],
      [...trailing, 'Content-Length', '2'],
    ])
      assert.ok(!responseHeaders(length, 200, asked()).includes('trailer'))
  })

  it('keep a length, but for 204', () => {
    assert.deepEqual(responseHeaders(['Content-Length', '5'], 304).slice(0, 2), ['Content-Length', '5'])
    assert.deepEqual(responseHeaders(['Content-Length', '0'], 204), ['via', '1.1 sluice'])
  })
})
