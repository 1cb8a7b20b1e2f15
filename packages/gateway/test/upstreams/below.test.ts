import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { VirtualClock } from 'sluice/sim'
import { Below } from '../../src/upstreams/below.ts'

interface World {
  readonly below: Below
  readonly clock: VirtualClock
  readonly load: { inflight: number }
}

function world(): World {
  const clock = new VirtualClock()
  const load = { inflight: 0 }
  const keyOf = (client: object): string => (client as { key: string }).key
  const below = new Below({ name: 'upstream app', clock, inflight: () => load.inflight, keyOf })
  return { below, clock, load }
}

const says = (headers: Readonly<Record<string, string>>) => (name: string) => headers[name]
const from = (key: string): object => ({ key })
const later = (clock: VirtualClock, ms: number): void => clock.advance(ms)

describe('Below', () => {
  it('S2.6 a 503 that says when to come back narrows to what was kept, and says how long it is still', () => {
    const { below, clock, load } = world()
    assert.equal(below.calm, true)
    load.inflight = 11
    below.heard(503, says({ 'retry-after': '2' }), undefined)
    assert.equal(below.cap, 10)
    load.inflight = 10
    later(clock, 500)
    const refusal = below.refusal(from('a'))
    assert.deepEqual(
      [refusal?.code, refusal?.gate, refusal?.load, refusal?.limit, refusal?.retryAfter],
      ['overload', 'upstream app', 11, 10, 1500],
    )
    load.inflight = 9
    assert.equal(below.refusal(from('a')), undefined)
  })

  it('S2.6 it eases with each answer, faster once the time has passed, and forgets', () => {
    const { below, clock, load } = world()
    load.inflight = 5
    below.heard(503, says({ 'retry-after-ms': '1000' }), undefined)
    for (let at = 0; at < 8; at++) below.answered(undefined)
    const slowly = below.cap
    assert.ok(slowly > 5 && slowly < 6.5, String(slowly))
    later(clock, 1000)
    load.inflight = 6
    for (let at = 0; at < 4; at++) below.answered(undefined)
    assert.ok(below.cap > slowly + 0.9)
    later(clock, 11_000)
    load.inflight = 1000
    assert.equal(below.refusal(from('a')), undefined)
    assert.equal(below.calm, true)
  })

  it('S2.6 one request at a time always gets through, or nobody would hear that it is over', () => {
    const { below, load } = world()
    for (let at = 0; at < 50; at++) below.heard(503, says({ 'retry-after': '9' }), undefined)
    assert.equal(below.cap, 1)
    load.inflight = 0
    assert.equal(below.refusal(from('a')), undefined)
  })

  it('a refusal that says nothing of when to come back narrows nothing', () => {
    const { below, load } = world()
    load.inflight = 5
    below.heard(503, says({}), undefined)
    below.heard(429, says({ 'retry-after': 'soon' }), from('a'))
    assert.equal(below.calm, true)
  })

  it('S2.6 a spent quota holds back whose it is, and no other; one request in a while looks if it still is', () => {
    const { below, clock } = world()
    below.heard(429, says({ 'retry-after': '10' }), from('a'))
    assert.equal(below.refusal(from('b')), undefined)
    const refusal = below.refusal(from('a'))
    assert.deepEqual([refusal?.code, refusal?.retryAfter], ['rate_limited', 10_000])
    later(clock, 250)
    const probe = from('a')
    assert.equal(below.refusal(probe), undefined)
    assert.equal(below.refusal(from('a'))?.retryAfter, 9750)
    // An answer to somebody else's request says nothing of it.
    below.answered(from('a'))
    assert.equal(below.calm, false)
    below.answered(probe)
    assert.equal(below.calm, true)
  })

  it('S2.6 RateLimit with nothing left counts as one; no room for requests at once does not', () => {
    const { below } = world()
    const atOnce = { ratelimit: '"x";r=0;t=5', 'ratelimit-policy': '"x";q=4;qu="concurrent-requests"' }
    below.heard(200, says(atOnce), from('a'))
    assert.equal(below.calm, true)
    below.heard(200, says({ ratelimit: '"x";r=0;t=5' }), from('a'))
    assert.equal(below.refusal(from('a'))?.retryAfter, 5000)
  })

  it('remembers no more than so many', () => {
    const { below } = world()
    for (let at = 0; at < 10_001; at++) below.heard(429, says({ 'retry-after': '10' }), from(String(at)))
    assert.equal(below.refusal(from('0')), undefined)
    assert.equal(below.refusal(from('1'))?.code, 'rate_limited')
  })
})
