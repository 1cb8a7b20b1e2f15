import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { protect } from '../../src/servers/express.ts'
import { protect as protectNode } from '../../src/servers/node.ts'
import { limiter, vegas } from '../../src/index.ts'

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
    [{ trust: 'loopback' }, /^trust: expected a list, got "loopback"$/],
    [{ trust: true }, /^trust: expected a list, got true$/],
    [{ classify: { lane: 'low' } }, /^classify: expected a list of rules, got/],
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
      { limit: 5, body: 'problem', key: 'address', trust: ['loopback'], bypass: () => false },
      { limit: vegas(), classify: () => 'low', key: () => 'a', cost: () => 2 },
      { gate: limiter({ limit: 5 }), classify: [{ lane: 'low', path: '/a' }], bypass: undefined },
    ])
      assert.doesNotThrow(() => untyped(options))
  })

  it('a handler that is none is refused as it is protected, not at the first request', () => {
    const careless = protectNode as unknown as (handler: unknown) => object
    assert.throws(() => careless({ limit: 5 }), /^RangeError: protect\.handler: expected a function, got \[object/)
    assert.throws(() => careless(undefined), /^RangeError: protect\.handler/)
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
