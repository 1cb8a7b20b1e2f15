import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OriginTable } from '../../src/clients/origins.ts'
import type { Origin } from '../../src/clients/origin.ts'
import type { ClientOptions } from '../../src/clients/client-options.ts'
import { fifo, isRejection, semaphore, type Arrival, type Gate, type Outcome, type Verdict } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

interface Rig {
  readonly clock: VirtualClock
  readonly origin: Origin
  readonly enter: (arrival?: Arrival, retry?: boolean) => Verdict | undefined
}

function rig(options: ClientOptions = {}, permits: number = 2): Rig {
  const clock = new VirtualClock(1000)
  const gate = (name: string): Gate => semaphore({ name, clock, permits, queue: fifo({ capacity: 5, maxWait: 100 }) })
  const table = new OriginTable({ clock, random: () => 0, gate, ...options })
  const origin = table.of('http://a')
  return {
    clock,
    origin,
    enter(arrival = {}, retry = false) {
      let said: Verdict | undefined
      origin.enter(arrival, retry, (verdict) => (said = verdict))
      return said
    },
  }
}

const codeOf = (verdict: Verdict | undefined): string =>
  verdict === undefined ? 'waits' : isRejection(verdict) ? verdict.code : 'in'

const heard = (origin: Origin, status: number, headers: Readonly<Record<string, string>> = {}): Outcome =>
  origin.heard(status, (name) => headers[name])

describe('an origin', () => {
  it('is paused for everybody by a 429 that says until when', () => {
    const { clock, origin, enter } = rig()
    assert.equal(heard(origin, 429, { 'retry-after': '2' }), 'ignored')
    assert.equal(origin.paused, 2000)
    assert.equal(origin.pressure.value.level, 1)
    // Told when to come back: no guessing at the odds.
    assert.equal(origin.throttled, 0)
    const refusal = enter()
    assert.ok(isRejection(refusal))
    assert.deepEqual([refusal.code, refusal.gate, refusal.retryAfter], ['rate_limited', 'http://a', 2000])
    clock.advance(2000)
    assert.equal(codeOf(enter()), 'in')
  })

  it('is paused by a quota that is spent, whatever the status', () => {
    const { origin } = rig()
    assert.equal(heard(origin, 200, { ratelimit: '"api";r=0;t=3' }), 'success')
    assert.equal(origin.paused, 3000)
  })

  it('is not paused by a 503, which speaks for one request only, unless that is asked for', () => {
    const { origin } = rig()
    assert.equal(heard(origin, 503, { 'retry-after': '2' }), 'dropped')
    assert.equal(origin.paused, 0)
    const asked = rig({ pauseOn: [429, 503] }).origin
    heard(asked, 503, { 'retry-after': '2' })
    assert.equal(asked.paused, 2000)
  })

  it('is paused no longer than allowed, and not at all by what makes no sense', () => {
    const { origin } = rig({ maxPause: 5000 })
    for (const wrong of ['-1', '1e9', '999999999', 'never']) heard(origin, 429, { 'retry-after': wrong })
    assert.equal(origin.paused, 0)
    heard(origin, 429, { 'retry-after': '86400' })
    assert.equal(origin.paused, 5000)
  })

  it('a fleet that is told the same time comes back scattered, and never early', () => {
    const told = [0, 0.25, 0.5, 1].map((dice) => {
      const { origin } = rig({ random: () => dice })
      heard(origin, 429, { 'retry-after': '10' })
      return origin.paused
    })
    assert.deepEqual(told, [10_000, 10_250, 10_500, 11_000])
  })

  it('S3.6 hears of refusals from further in, whatever the status says', () => {
    const { origin } = rig({ throttle: {} })
    assert.equal(heard(origin, 500, { 'sluice-rejection': 'queue_full;gate="api";load=9;limit=8' }), 'dropped')
    assert.equal(heard(origin, 429, { 'sluice-rejection': 'rate_limited;gate="api"' }), 'ignored')
    assert.equal(heard(origin, 200, { 'sluice-rejection': 'constructor' }), 'success')
    assert.equal(heard(origin, 500), 'failure')
    // Two of four were refused: as many as K of 2 bears.
    assert.equal(origin.throttled, 0)
    heard(origin, 503)
    assert.equal(origin.throttled, (5 - 4) / 6)
  })

  it('that says it is too busy gives each request more slots than one, until that is old news', () => {
    const { clock, origin, enter } = rig({}, 10)
    heard(origin, 200, { 'endpoint-load-metrics': 'TEXT application_utilization=1.8' })
    assert.equal(origin.pressure.value.level, 2)
    const held = Array.from({ length: 5 }, () => enter())
    assert.deepEqual(held.map(codeOf), ['in', 'in', 'in', 'in', 'in'])
    assert.equal(codeOf(enter()), 'waits')
    assert.equal(origin.stats.inflight, 10)
    for (const one of held) if (one?.admitted === true) one.release('success')
    clock.advance(10_001)
    assert.equal(origin.pressure.value.level, origin.stats.inflight / 10)
    assert.equal(codeOf(enter()), 'in')
  })

  it('no report makes a request wider than four slots, and none narrower than one', () => {
    const { origin, enter } = rig({}, 8)
    heard(origin, 200, { 'sluice-pressure': '99' })
    assert.deepEqual([enter(), enter(), enter()].map(codeOf), ['in', 'in', 'waits'])
    const idle = rig({}, 2)
    heard(idle.origin, 200, { 'endpoint-load-metrics': 'TEXT cpu_utilization=0.01' })
    assert.deepEqual([idle.enter(), idle.enter(), idle.enter()].map(codeOf), ['in', 'in', 'waits'])
  })

  it('lets in no more retries than first attempts have paid for', () => {
    const { origin, enter } = rig({ retryBudget: { ratio: 0.5, reserve: 0 } }, 100)
    assert.equal(codeOf(enter({}, true)), 'rate_limited')
    for (let count = 0; count < 4; count++) enter()
    assert.deepEqual([enter({}, true), enter({}, true), enter({}, true)].map(codeOf), ['in', 'in', 'rate_limited'])
    assert.equal(origin.retries, 0)
    assert.equal(rig({ retryBudget: false }).origin.retries, Infinity)
  })

  it('with a throttle refuses before anybody waits, and asks neither budget nor gate', () => {
    const { origin, enter } = rig({ retryBudget: { ratio: 0, reserve: 1 } })
    const before = origin.retries
    for (let count = 0; count < 3; count++) origin.record(false)
    assert.equal(codeOf(enter({}, true)), 'shed')
    assert.equal(origin.retries, before)
    assert.equal(codeOf(enter({ priority: 3 })), 'in')
    assert.equal(codeOf(rig({ throttle: false }).enter()), 'in')
  })
})

describe('the table of origins', () => {
  const table = (maxOrigins: number): OriginTable =>
    new OriginTable({ maxOrigins, clock: new VirtualClock(), random: () => 0 })

  it('knows an origin however it is spelled', () => {
    const origins = table(10)
    const one = origins.of('http://a')
    for (const text of ['http://a/', 'HTTP://A:80', 'http://a:80/x?y', 'http://user@a'])
      assert.equal(origins.of(text), one)
    assert.notEqual(origins.of('https://a'), one)
    assert.notEqual(origins.of('http://a:81'), one)
    assert.equal([...origins].length, 3)
    assert.equal(origins.get('http://a'), one)
    assert.equal(origins.of('nonsense'), origins.of('nonsense'))
  })

  it('stays as small as it was told, whoever comes', () => {
    const origins = table(50)
    for (let count = 0; count < 20_000; count++) origins.of(`http://host-${count}`)
    origins.of(`http://${'x'.repeat(100_000)}`)
    assert.ok([...origins].length <= 50 + 16)
  })

  it('forgets none that is busy, paused or throttled, and none that is asked for again and again', () => {
    const origins = table(40)
    const [busy, paused, throttled, loved] = ['busy', 'paused', 'throttled', 'loved'].map((name) =>
      origins.of(`http://${name}`),
    )
    busy!.enter({}, false, () => {})
    paused!.heard(429, (name) => (name === 'retry-after' ? '60' : undefined))
    throttled!.record(false)
    for (let count = 0; count < 1000; count++) {
      origins.of(`http://host-${count}`)
      assert.equal(origins.of('http://loved'), loved)
    }
    assert.equal(origins.get('http://busy'), busy)
    assert.equal(origins.get('http://paused'), paused)
    assert.equal(origins.get('http://throttled'), throttled)
  })

  it('full of origins that are busy it lets new ones share a few', () => {
    const origins = table(4)
    for (let count = 0; count < 4; count++) origins.of(`http://host-${count}`).enter({}, false, () => {})
    const late = origins.of('http://late')
    assert.match(late.name, /^shared \d+$/)
    assert.equal(origins.of('http://late'), late)
    assert.equal(origins.get('http://late'), undefined)
  })

  it('forgets one that is at rest when a new one comes', () => {
    const origins = table(4)
    for (let count = 0; count < 4; count++) origins.of(`http://host-${count}`)
    for (let count = 4; count < 12; count++) origins.of(`http://host-${count}`)
    assert.ok([...origins].filter(({ name }) => !name.startsWith('shared ')).some(({ name }) => name > 'http://host-3'))
  })

  it('once closed stays so, for new origins too', () => {
    const origins = table(10)
    const codes: string[] = []
    const ask = (name: string): void => void origins.of(name).enter({}, false, (verdict) => codes.push(codeOf(verdict)))
    ask('http://a')
    origins.close()
    ask('http://a')
    ask('http://b')
    assert.deepEqual(codes, ['in', 'closed', 'closed'])
  })

  it('refuses options out of range by name', () => {
    for (const [field, value] of Object.entries({ maxOrigins: 0, maxPause: 0, maxHold: -1, targetUtilization: 0 }))
      assert.throws(() => new OriginTable({ [field]: value }), new RegExp(field))
  })
})
