import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import type { UpstreamConfig } from '../../src/config/index.ts'
import type { Upstream, UpstreamReceiver, UpstreamRequest } from '../../src/proxy/index.ts'
import { Balancer } from '../../src/upstreams/index.ts'

interface Sent {
  readonly origin: string
  readonly request: UpstreamRequest
  readonly receiver: UpstreamReceiver
  aborted: boolean
}

const REQUEST: UpstreamRequest = { method: 'GET', target: '/', headers: ['host', 'client.example'], body: undefined }
const NOBODY: UpstreamReceiver = { head() {}, data() {}, end() {}, failed() {} }

function stage(config: Partial<UpstreamConfig>, servers = 2, weights: readonly number[] = []) {
  const clock = new VirtualClock()
  const sent: Sent[] = []
  const connect = (origin: URL): Upstream => ({
    send(request, receiver) {
      const one: Sent = { origin: origin.host, request, receiver, aborted: false }
      sent.push(one)
      return {
        abort() {
          one.aborted = true
        },
        pause() {},
        resume() {},
      }
    },
    close: async () => {},
  })
  const balancer = new Balancer(
    {
      servers: Array.from({ length: servers }, (_, i) => ({ url: `http://s${i}:80`, weight: weights[i] ?? 1 })),
      hostHeader: 'client',
      http2: false,
      passive: { failures: 3, restFor: 10_000 },
      timeouts: { connect: 1, headers: 1, body: 1 },
      allowLinkLocal: false,
      ...config,
    },
    { clock, random: seeded(7), connect },
  )
  const answer = (one: Sent, status: number, headers: readonly string[] = []): void => {
    one.receiver.head(status, '', headers)
    one.receiver.end()
  }
  const ask = (): Sent => {
    balancer.send(REQUEST, NOBODY)
    return sent.at(-1)!
  }
  const counts = (times: number, status = 200, headers: readonly string[] = []): Record<string, number> => {
    const by: Record<string, number> = {}
    for (let i = 0; i < times; i++) {
      const one = ask()
      by[one.origin] = (by[one.origin] ?? 0) + 1
      answer(one, status, headers)
    }
    return by
  }
  return { clock, sent, balancer, answer, ask, counts }
}

describe('Balancer', () => {
  it('asks the less busy of two, so that what is under way stays even', () => {
    const { ask, balancer } = stage({}, 4)
    for (let i = 0; i < 400; i++) ask()
    const inflight = balancer.members.map((member) => member.inflight)
    assert.ok(Math.max(...inflight) - Math.min(...inflight) <= 4, String(inflight))
    assert.equal(balancer.inflight, 400)
  })

  it('control: chance alone is far from even', () => {
    const random = seeded(7)
    const inflight = [0, 0, 0, 0]
    for (let i = 0; i < 400; i++) inflight[Math.floor(random() * 4)]!++
    assert.ok(Math.max(...inflight) - Math.min(...inflight) > 10, String(inflight))
  })

  it('gives a server of twice the weight twice as much', () => {
    const { ask, balancer } = stage({}, 2, [2, 1])
    for (let i = 0; i < 300; i++) ask()
    const [a, b] = balancer.members.map((member) => member.inflight) as [number, number]
    assert.ok(Math.abs(a / b - 2) < 0.1, `${a} ${b}`)
  })

  it('S2.6 asks a server less that says it is busy, until what it said is old', () => {
    const { ask, answer, balancer, clock } = stage({})
    let told = false
    while (!told) {
      const one = ask()
      told = one.origin === 's0'
      answer(one, 200, told ? ['Endpoint-Load-Metrics', 'TEXT cpu_utilization=0.9'] : [])
    }
    assert.equal(balancer.members[0]!.told, 0.9)
    for (let i = 0; i < 110; i++) ask()
    const [busy, idle] = balancer.members.map((member) => member.inflight) as [number, number]
    assert.ok(idle > 8 * busy, `${busy} ${idle}`)
    clock.advance(10_000)
    assert.equal(balancer.members[0]!.told, undefined)
  })

  it('takes out who fails several times in a row, tries once when its time is up, and takes it back', () => {
    const { ask, answer, clock, counts, balancer } = stage({})
    const fail = (): void => {
      for (let failed = 0; failed < 3;) {
        const one = ask()
        if (one.origin === 's0') failed++
        answer(one, one.origin === 's0' ? 502 : 200)
      }
    }
    fail()
    assert.equal(balancer.members[0]!.condition.because, 'it failed several requests in a row: it answers with 502')
    assert.deepEqual(counts(20), { s1: 20 })
    clock.advance(10_000)
    // One tries; until it is answered no other does.
    let trial: Sent | undefined
    for (let i = 0; i < 50 && trial === undefined; i++) {
      const one = ask()
      if (one.origin === 's0') trial = one
      else answer(one, 200)
    }
    assert.ok(trial !== undefined)
    assert.deepEqual(counts(20), { s1: 20 })
    answer(trial, 504)
    assert.deepEqual(counts(20), { s1: 20 })
    clock.advance(10_000)
    assert.ok((counts(40)['s0'] ?? 0) > 5)
  })

  it('S2.6 has heard a server that says when to come back, if nothing else', () => {
    const { ask, answer, balancer, clock } = stage({}, 1)
    const [member] = balancer.members
    assert.equal(member!.link, 'silent')
    answer(ask(), 503, ['Retry-After', '1'])
    assert.equal(member!.link, 'heard')
    clock.advance(10_000)
    assert.equal(member!.link, 'silent')
  })

  it('thinks no worse of a server that refuses honestly, or whose client leaves', () => {
    const { counts, ask, balancer } = stage({}, 1)
    counts(20, 503)
    assert.ok(balancer.members[0]!.condition.fit)
    for (let i = 0; i < 10; i++) {
      ask()
      balancer.send(REQUEST, NOBODY).abort()
    }
    assert.ok(balancer.members[0]!.condition.fit)
    assert.equal(balancer.inflight, 10)
  })

  it('asks all where none is fit', () => {
    const { counts } = stage({})
    counts(40, 502)
    assert.equal(Object.keys(counts(40, 502)).length, 2)
  })

  it('checks have hysteresis: three bad ones take out, two good ones take back', () => {
    const { clock, sent, balancer, answer } = stage({
      health: { path: '/up', every: 1000, timeout: 500, failAfter: 3, passAfter: 2 },
    })
    const check = (good: boolean): void => {
      for (const one of sent.splice(0)) {
        assert.equal(one.request.target, '/up')
        answer(one, one.origin === 's0' && !good ? 500 : 204)
      }
      clock.advance(1200)
    }
    const fit = (): boolean => balancer.members[0]!.condition.fit
    check(true)
    for (const expected of [true, true, false]) {
      check(false)
      assert.equal(fit(), expected)
    }
    assert.equal(balancer.members[0]!.condition.because, 'its health check fails: it answers with 500')
    check(true)
    check(false)
    check(true)
    assert.equal(fit(), false)
    check(true)
    assert.equal(fit(), true)
    assert.equal(balancer.inflight, 0)
  })

  it('a check that gets no answer in time is a bad one, and is given up', () => {
    const { clock, sent, balancer } = stage({
      health: { path: '/up', every: 1000, timeout: 500, failAfter: 1, passAfter: 1 },
    })
    clock.advance(500)
    assert.ok(sent.every(({ aborted }) => aborted))
    assert.ok(!balancer.members[0]!.condition.fit)
  })

  it('tells each server its own name where that is wanted', () => {
    const { ask } = stage({ hostHeader: 'upstream' })
    for (let i = 0; i < 10; i++) {
      const { origin, request } = ask()
      assert.deepEqual(request.headers.slice(0, 2), ['host', origin])
    }
  })
})
