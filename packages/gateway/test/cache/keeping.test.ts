import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { cacheControl, headersIn, keepingOf, ResponseCache, type KeptAnswer } from '../../src/cache/index.ts'

const CONFIG = { maxBytes: 10_000, maxEntry: 4000, assume: 0, stale: 60_000 }

function keeping(status: number, headers: readonly string[], request: readonly string[] = [], assume = 0) {
  const header = headersIn(request)
  const shows = header('authorization') !== undefined || header('cookie') !== undefined
  return keepingOf(status, headers, { config: { ...CONFIG, assume }, request: header, shows, now: 1_000_000 })
}

describe('what is kept', () => {
  it('is what says so, for as long as it says', () => {
    assert.equal(keeping(200, ['Cache-Control', 'max-age=10'])?.freshUntil, 1_010_000)
    assert.equal(keeping(200, ['cache-control', 'max-age=10, s-maxage="3"'])?.freshUntil, 1_003_000)
    assert.equal(keeping(200, ['cache-control', 'max-age=10', 'age', '4'])?.freshUntil, 1_006_000)
    const date = 'Sat, 21 Nov 2026 12:00:00 GMT'
    assert.equal(keeping(200, ['expires', 'Sat, 21 Nov 2026 12:00:30 GMT', 'date', date])?.freshUntil, 1_030_000)
    assert.equal(keeping(200, [], [], 5000)?.freshUntil, 1_005_000)
  })

  it('is good enough for a while longer, unless it must not be', () => {
    assert.equal(keeping(200, ['cache-control', 'max-age=10'])?.goodUntil, 1_070_000)
    for (const strict of ['must-revalidate', 'proxy-revalidate', 's-maxage=10'])
      assert.equal(keeping(200, ['cache-control', `max-age=10, ${strict}`])?.goodUntil, 1_010_000, strict)
  })

  for (const [what, status, headers, request] of [
    ['what says nothing', 200, [], []],
    ['no-store', 200, ['cache-control', 'max-age=9, no-store'], []],
    ['private', 200, ['cache-control', 'private, max-age=9'], []],
    ['no-cache', 200, ['cache-control', 'max-age=9, no-cache'], []],
    ['what sets a cookie', 200, ['cache-control', 'max-age=9', 'Set-Cookie', 'a=b'], []],
    ['what has expired', 200, ['expires', '0'], []],
    ['what is as old as it may be', 200, ['cache-control', 'max-age=9', 'age', '9'], []],
    ['a failure', 500, ['cache-control', 'max-age=9'], []],
    ['a part', 206, ['cache-control', 'max-age=9'], []],
    ['what varies by everything', 200, ['cache-control', 'max-age=9', 'vary', 'accept, *'], []],
    ['what varies by what is ours', 200, ['cache-control', 'max-age=9', 'vary', 'X-Forwarded-For'], []],
    ['what came to somebody by name', 200, ['cache-control', 'max-age=9'], ['authorization', 'x']],
    ['what came for a cookie', 200, ['cache-control', 'max-age=9'], ['cookie', 'x']],
    ['what was asked not to be', 200, ['cache-control', 'max-age=9'], ['cache-control', 'no-store']],
  ] as const)
    it(`is not ${what}`, () => {
      assert.equal(keeping(status, headers, request), undefined)
    })

  it('is what is public, whoever asked', () => {
    assert.equal(keeping(200, ['cache-control', 'public, max-age=9'], ['authorization', 'x'])?.forAll, true)
    assert.equal(keeping(200, ['cache-control', 'max-age=9'])?.forAll, false)
  })

  it('knows what it depends on', () => {
    const headers = ['cache-control', 'max-age=9', 'vary', 'Accept-Language, accept']
    assert.deepEqual(keeping(200, headers, ['accept', 'text/html'])?.vary, [
      ['accept', 'text/html'],
      ['accept-language', undefined],
    ])
  })

  it('no header makes reading fail', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (control, vary) => {
        cacheControl(control)
        keeping(200, ['cache-control', control, 'vary', vary, 'age', vary, 'expires', control])
      }),
      { numRuns: 5000 },
    )
  })
})

function answerOf(size: number, more: Partial<KeptAnswer> = {}): KeptAnswer {
  const body = new Uint8Array(size)
  const times = { at: 0, age: 0, freshUntil: 100, goodUntil: 200 }
  return { status: 200, headers: [], body, ...times, forAll: false, etag: undefined, vary: [], ...more }
}

describe('ResponseCache', () => {
  const nothing = (): undefined => undefined

  it('never holds more than it may, and forgets who was not asked for longest', () => {
    const cache = new ResponseCache(CONFIG)
    for (const key of ['a', 'b', 'c']) cache.keep(key, answerOf(2000))
    assert.ok(cache.find('a', nothing, false, 1))
    cache.keep('d', answerOf(2500))
    assert.ok(cache.bytes <= CONFIG.maxBytes)
    assert.equal(cache.find('b', nothing, false, 1), undefined)
    for (const key of ['a', 'c', 'd']) assert.ok(cache.find(key, nothing, false, 1), key)
    assert.deepEqual([cache.hits, cache.misses], [4, 1])
  })

  it('whatever is kept, found and forgotten: the bytes are those of what is there', () => {
    const step = fc.record({ key: fc.nat(5), size: fc.nat(6000), does: fc.constantFrom('keep', 'find', 'forget') })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const cache = new ResponseCache(CONFIG)
        for (const { key, size, does } of steps) {
          if (does === 'keep') cache.keep(String(key), answerOf(size))
          else if (does === 'find') cache.find(String(key), nothing, false, 1)
          else cache.forget(String(key))
          assert.ok(cache.bytes >= 0 && cache.bytes <= CONFIG.maxBytes)
        }
        for (let key = 0; key <= 5; key++) cache.forget(String(key))
        assert.deepEqual([cache.bytes, cache.entries], [0, 0])
      }),
    )
  })

  it('gives each variant to whom it is for, and nothing that is too old', () => {
    const cache = new ResponseCache(CONFIG)
    const german = answerOf(1, { vary: [['accept-language', 'de']], etag: 'de' })
    cache.keep('a', german)
    cache.keep('a', answerOf(1, { vary: [['accept-language', 'en']], etag: 'en' }))
    const by = (language: string) => (name: string) => (name === 'accept-language' ? language : undefined)
    assert.equal(cache.find('a', by('de'), false, 1)?.etag, 'de')
    assert.equal(cache.find('a', by('en'), false, 1)?.etag, 'en')
    assert.equal(cache.find('a', by('fr'), false, 1), undefined)
    assert.equal(cache.find('a', by('de'), false, 200), undefined)
    assert.equal(cache.find('a', by('de'), true, 1), undefined)
  })
})
