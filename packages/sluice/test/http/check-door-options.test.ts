import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { byAddress, Door, laneBy, trust, type DoorOptions, type Reader } from '../../src/http/index.ts'
import { protect } from '../../src/servers/express.ts'
import { protect as protectNode } from '../../src/servers/node.ts'
import { limiter, Rejection, vegas } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** As somebody writes it who has no types. */
const untyped = protect as unknown as (options: unknown) => object

describe('what a door is given', () => {
  for (const [options, says] of [
    [5, /^options: expected an object of options, got 5$/],
    [(): void => {}, /^options: expected an object of options, got a function$/],
    [{ windowMs: 60_000, limit: 100 }, /^windowMs: expected no rate: `limit` is how many at once, got 60000$/],
    [{ max: 5 }, /^max: expected/],
    [{ bypass: ['/x'] }, /^bypass: expected a function, got a list of 1$/],
    [{ cost: 5 }, /^cost: expected a function, got 5$/],
    [{ onReject: 'x' }, /^onReject: expected a function, got "x"$/],
    [{ key: 'ip' }, /^key: expected a function, got "ip"$/],
    [{ body: 'xml' }, /^body: expected 'envelope' or 'problem', got "xml"$/],
    [{ key: 'address' }, /^key: expected a function, got "address"$/],
    [{ trust: 'loopback' }, /^trust: expected `trust\(\[…\]\)`, got "loopback"$/],
    [{ trust: ['loopback'] }, /^trust: expected `trust\(\[…\]\)`, got a list of 1$/],
    [{ trust: null }, /^trust: expected/],
    [{ classify: [{ lane: 'low' }] }, /^classify: expected a function, got a list of 1$/],
    [{ limit: '10' }, /^limit: expected a number, or an algorithm such as `adaptive\(\)`, got "10"$/],
    [{ limit: 0 }, /^limit: expected a whole number of at least 1, got 0$/],
    [{ gate: 5 }, /^gate: expected a gate, got 5$/],
  ] as const)
    it(`names the option, what it got and what it expected: ${says.source}`, () => {
      assert.throws(() => untyped(options), { name: 'RangeError', message: says })
    })

  it('control: what is as it should be is taken', () => {
    for (const options of [
      {},
      { limit: 5, body: 'problem', key: byAddress, trust: trust(['loopback']), bypass: () => false },
      { limit: vegas(), classify: () => 'low', key: () => 'a', cost: () => 2 },
      { gate: limiter({ limit: 5 }), classify: laneBy([{ lane: 'low', path: '/a' }]), bypass: undefined },
    ])
      assert.doesNotThrow(() => untyped(options))
  })

  it('a handler that is none is refused as it is protected, not at the first request', () => {
    const careless = protectNode as unknown as (handler: unknown) => object
    assert.throws(() => careless({ limit: 5 }), /^RangeError: protect\.handler: expected a function, got \[object/)
    assert.throws(() => careless(undefined), /^RangeError: protect\.handler/)
  })
})

describe('what the functions of a door answer', () => {
  const reader: Reader<object> = {
    method: () => 'GET',
    target: () => '/',
    header: () => undefined,
    peer: () => undefined,
  }
  const asked = (options: unknown): unknown => {
    const door = new Door<object>(options as DoorOptions<object>, reader)
    return door.bypasses({}) ? 'bypassed' : door.arrivalOf({})
  }

  for (const [options, says] of [
    // Each would be taken for a yes, or for a key of its own, and nobody would ever be refused.
    [{ bypass: async () => false }, /^bypass: expected an answer at once, got \[object Promise\]$/],
    [{ key: async () => 'acme' }, /^key: expected an answer at once, got/],
    [{ classify: async () => 'low' }, /^classify: expected an answer at once, got/],
    [
      { classify: laneBy([{ lane: 'critical', when: (async () => false) as unknown as () => boolean }]) },
      /^classify\.when: expected an answer at once, got/,
    ],
    [{ arrival: async () => ({ priority: 0 }) }, /^arrival: expected an answer at once, got/],
    [{ classify: () => 'hihg' }, /^classify: expected 'critical', 'high', 'normal' or 'low', got "hihg"$/],
    [{ classify: () => 'constructor' }, /^classify: expected 'critical'/],
  ] as const)
    it(`is refused where it makes no sense: ${says.source}`, () => {
      assert.throws(() => asked(options), { name: 'RangeError', message: says })
    })

  it('`onReject` that answers nothing that is an answer, or fails, lets the refusal be what it is', () => {
    const clock = new VirtualClock()
    const rejection = new Rejection('queue_full', 'api', 2, 1)
    const statusOf = (onReject: unknown): number =>
      new Door<object>({ clock, onReject } as DoorOptions<object>, reader).refusal({}, rejection).status
    const asyncListener = async (): Promise<void> => undefined
    for (const onReject of [asyncListener, () => 'nope', () => ({}), () => undefined, undefined])
      assert.equal(statusOf(onReject), 503)
    assert.equal(
      statusOf(() => ({ status: 418, headers: {}, body: '' })),
      418,
    )
    const broken = (): never => {
      throw new Error('the log is full')
    }
    assert.equal(statusOf(broken), 503)
    assert.throws(() => clock.advance(1), /the log is full/)
  })

  for (const status of [9999, 600, 199, 0, -200, 200.5, Number.NaN, 'x', null])
    it(`\`onReject\` with the status ${status}: refused as ever, and the mistake surfaces by itself`, () => {
      const clock = new VirtualClock()
      const onReject = (): unknown => ({ status, headers: {}, body: '' })
      const door = new Door<object>({ clock, onReject } as DoorOptions<object>, reader)
      const refused = door.refusal({}, new Rejection('queue_full', 'api', 2, 1))
      assert.deepEqual([refused.status, /QUEUE_FULL/.test(refused.body)], [503, true])
      assert.throws(() => clock.advance(1), {
        name: 'RangeError',
        message: /^onReject\.status: expected a whole number from 200 to 599, got /,
      })
    })

  it('control: what makes sense is taken, and an arrival that was forgotten is an ordinary one', () => {
    assert.equal(asked({ bypass: () => true }), 'bypassed')
    assert.deepEqual(asked({ key: () => 'acme', classify: () => 'low' }), { priority: 0, flow: 'acme' })
    assert.deepEqual(asked({ classify: () => undefined }), { priority: 2 })
    assert.equal(asked({ classify: () => 'critical' }), undefined)
    assert.deepEqual(asked({ arrival: () => undefined }), {})
  })
})

describe('what a limiter is given', () => {
  const careless = limiter as unknown as (options: unknown) => object

  it('a number stays', () => {
    assert.equal(limiter({ limit: 5 }).stats.limit, 5)
  })

  it('refuses one number for all options, an algorithm that was not made, and its name', () => {
    assert.throws(() => careless(5), /^RangeError: limiter: expected an object of options, got 5$/)
    assert.throws(() => careless({ limit: vegas }), /^RangeError: limiter\.limit: expected a number, or .*a function$/)
    assert.throws(() => careless({ limit: 'vegas' }), /^RangeError: limiter\.limit: .*"vegas"$/)
    assert.throws(
      () => careless({ queue: 5 }),
      /^RangeError: limiter\.queue: expected a queue such as `fifo\(\)`, got 5$/,
    )
  })
})
