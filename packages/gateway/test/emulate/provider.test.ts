import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import { Provider, type Call, type CallListener, type Errand, type ProviderOptions } from '../../src/emulate/index.ts'
import { readFault, readFaultRule } from '../../src/emulate/fault.ts'
import { near } from './model-world.ts'

const ERRAND: Errand = { ask: { input: 100 }, model: 'm', stream: true, output: 10 }
const EPOCH = Date.UTC(2026, 10, 21)

class Listening implements CallListener {
  readonly heard: string[] = []
  tokensSeen = 0
  call!: Call
  refused({ reason }: { reason: string }): void {
    this.heard.push(`refused ${reason}`)
  }
  admitted(): void {
    this.heard.push('admitted')
  }
  began(): void {
    this.heard.push('began')
  }
  tokens(count: number): void {
    this.tokensSeen += count
  }
  finished(): void {
    this.heard.push('finished')
  }
  broke(how: string): void {
    this.heard.push(how)
  }
}

function world(options: ProviderOptions): {
  clock: VirtualClock
  provider: Provider
  arrive: (errand?: Partial<Errand>) => Listening
} {
  const clock = new VirtualClock(5000)
  const provider = new Provider({ limits: {}, random: seeded(3), ...options, clock, epoch: EPOCH })
  const arrive = (errand: Partial<Errand> = {}): Listening => {
    const listening = new Listening()
    listening.call = provider.arrive({ ...ERRAND, ...errand }, listening)
    return listening
  }
  return { clock, provider, arrive }
}

const ENGINE = { ttft: 100, tokensPerSecond: 100 } as const

describe('Provider', () => {
  it('tells a call what becomes of it, and remembers when', () => {
    const { clock, provider, arrive } = world({ engine: ENGINE })
    const { heard, call } = arrive({ id: 'a' })
    clock.advance(1000)
    assert.deepEqual(heard, ['admitted', 'began', 'finished'])
    const { arrived, admitted, firstToken, ended, fate, produced } = provider.log.find('a')!
    assert.deepEqual([arrived, admitted, firstToken], [EPOCH + 5000, EPOCH + 5000, EPOCH + 5100])
    near(ended!, EPOCH + 5200)
    assert.deepEqual([fate, produced, call.record.number], ['done', 10, 1])
  })

  it('the answer is no longer than max_tokens', () => {
    const { arrive } = world({})
    assert.equal(arrive({ ask: { input: 1, maxTokens: 4 } }).tokensSeen, 4)
  })

  it('sees in which phase a client leaves, stops at once, and charges what was produced', () => {
    const limits = { tokens: 60_000 }
    const { clock, provider, arrive } = world({ engine: { ...ENGINE, slots: 1 }, limits, mode: 'actual' })
    const first = arrive()
    const queued = arrive()
    clock.advance(50)
    queued.call.leave()
    first.call.leave()
    const streaming = arrive()
    clock.advance(135)
    streaming.call.leave()
    streaming.call.leave()
    clock.advance(10_000)
    assert.deepEqual(
      [queued, first, streaming].map(({ call }) => [call.record.leftIn, call.record.produced]),
      [
        ['queued', 0],
        ['first-token', 0],
        ['decoding', 3],
      ],
    )
    const { aborted } = provider.tally
    assert.deepEqual(aborted, { upload: 0, arriving: 0, queued: 1, 'first-token': 1, decoding: 1 })
    assert.equal(provider.model.charged.tokens, 303)
    assert.deepEqual([provider.model.active, provider.engine.busy, clock.pending], [0, 0, 0])
  })

  it('leaks nothing in 100,000 calls that leave whenever they like', () => {
    const { clock, provider, arrive } = world({
      engine: { ...ENGINE, slots: 4, waiting: 10 },
      arrivalJitter: 5,
      logSize: 0,
    })
    const random = seeded(9)
    for (let index = 0; index < 100_000; index++) {
      const { call } = arrive()
      clock.after(random() * 400, () => call.leave())
      clock.advance(random() * 20)
    }
    clock.advance(10_000)
    const { arrived, completed, refused, aborted } = provider.tally
    const left = Object.values(aborted).reduce((sum, each) => sum + each, 0)
    assert.ok(aborted.arriving > 100 && aborted.queued > 100 && aborted['first-token'] > 100 && aborted.decoding > 100)
    assert.equal(completed + left + (refused.overloaded ?? 0), arrived)
    assert.deepEqual([provider.model.active, provider.engine.busy, provider.engine.queued, clock.pending], [0, 0, 0, 0])
  })

  it('calls overtake each other on their way', () => {
    const { clock, provider, arrive } = world({ arrivalJitter: 50 })
    for (let index = 0; index < 20; index++) arrive()
    clock.advance(100)
    const order = provider.log
      .last(20)
      .toSorted((a, b) => a.admitted! - b.admitted!)
      .map(({ number }) => number)
    assert.notDeepEqual(
      order,
      [...order].sort((a, b) => a - b),
    )
    assert.ok(provider.log.last(20).every(({ arrived, admitted }) => admitted! - arrived <= 50))
  })

  it('its clock may be wrong', () => {
    const { provider } = world({ clockSkew: -7000 })
    assert.equal(provider.wall - provider.providerWall, 7000)
  })

  it('cuts, stalls and breaks streams after so many tokens', () => {
    const { clock, provider, arrive } = world({ engine: ENGINE })
    const cut = arrive({ fault: { kind: 'cut', after: 3 } })
    const broken = arrive({ fault: { kind: 'stream-error', after: 0 } })
    const stalled = arrive({ fault: { kind: 'stall', after: 5, for: 5000 } })
    clock.advance(1000)
    assert.deepEqual([cut.heard.at(-1), cut.tokensSeen], ['cut', 3])
    assert.deepEqual([broken.heard.at(-1), broken.tokensSeen], ['error', 0])
    assert.deepEqual([stalled.heard.at(-1), stalled.tokensSeen], ['began', 5])
    clock.advance(5000)
    assert.deepEqual([stalled.heard.at(-1), stalled.tokensSeen], ['finished', 10])
    assert.deepEqual([provider.tally.broken, provider.tally.completed], [2, 1])
  })

  it('the same without any pace', () => {
    const { clock, arrive } = world({})
    const cut = arrive({ fault: { kind: 'cut', after: 3 } })
    assert.deepEqual([cut.heard, cut.tokensSeen], [['admitted', 'began', 'cut'], 3])
    const stalled = arrive({ fault: { kind: 'stall', after: 10, for: 100 } })
    assert.deepEqual([stalled.heard.at(-1), stalled.tokensSeen], ['began', 10])
    clock.advance(100)
    assert.equal(stalled.heard.at(-1), 'finished')
  })

  it('refuses by rule: a share, for a while, so many times, until healed', () => {
    const { clock, provider, arrive } = world({ faults: [{ fault: { kind: 'overloaded' }, share: 0.25 }] })
    for (let index = 0; index < 1000; index++) arrive()
    near(provider.tally.refused.overloaded!, 250, 40)
    provider.heal()
    provider.inflict({ fault: { kind: 'server-error' }, for: 2000 })
    assert.deepEqual(arrive().heard, ['refused server-error'])
    clock.advance(2000)
    assert.equal(arrive().heard.at(-1), 'finished')
    provider.inflict({ fault: { kind: 'spend' }, count: 2 })
    assert.deepEqual(
      [arrive(), arrive(), arrive()].map(({ heard }) => heard[0]),
      ['refused spend', 'refused spend', 'admitted'],
    )
  })

  it('a flex refusal costs nothing, others count as requests', () => {
    const { provider, arrive } = world({ limits: { requests: 60 } })
    arrive({ fault: { kind: 'flex' } })
    assert.equal(provider.model.charged.requests, 0)
    arrive({ fault: { kind: 'overloaded' } })
    provider.invalid()
    assert.equal(provider.model.charged.requests, 2)
  })

  it('utilisation is what was charged of what the limits allowed, also when they changed', () => {
    const { clock, provider, arrive } = world({ limits: { tokens: 60_000 } })
    arrive({ ask: { input: 20_000 } })
    clock.advance(30_000)
    provider.scale(0.5)
    clock.advance(20_000)
    const { charged, utilisation, limit } = provider.usage().tokens!
    assert.deepEqual([charged, limit], [20_000, 30_000])
    near(utilisation, 20_000 / (30_000 + 10_000))
    provider.reset()
    assert.equal(provider.usage().tokens!.charged, 0)
    assert.equal(provider.tally.arrived, 0)
  })

  it('remembers the newest calls only', () => {
    const { provider, arrive } = world({ logSize: 3 })
    for (let index = 0; index < 5; index++) arrive()
    assert.deepEqual(
      provider.log.last(2).map(({ number }) => number),
      [4, 5],
    )
    assert.equal(provider.log.last(100).length, 3)
  })
})

describe('reading faults', () => {
  it('takes what makes sense', () => {
    assert.deepEqual(readFault({ kind: 'cut' }), { kind: 'cut', after: 0 })
    assert.deepEqual(readFault({ kind: 'stall', after: 2, for: 100 }), { kind: 'stall', after: 2, for: 100 })
    assert.deepEqual(readFaultRule({ fault: { kind: 'spend' }, share: 0.5, count: 3, for: 100 }), {
      fault: { kind: 'spend' },
      share: 0.5,
      for: 100,
      count: 3,
    })
  })

  for (const [value, says] of [
    [{ kind: 'flood' }, /fault.kind must be one of/],
    [undefined, /fault.kind/],
    [{ kind: 'cut', after: -1 }, /fault.after/],
    [{ kind: 'stall', after: 1 }, /fault.for/],
  ] as const)
    it(`refuses ${JSON.stringify(value)}`, () => assert.throws(() => readFault(value), says))

  it('refuses a share above 1', () => assert.throws(() => readFaultRule({ fault: { kind: 'cut' }, share: 2 }), /share/))
})
