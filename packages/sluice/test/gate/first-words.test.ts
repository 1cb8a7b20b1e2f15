import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  aimd,
  breaker,
  codel,
  consecutive,
  fifo,
  keyed,
  leakyBucket,
  limiter,
  retryBudget,
  semaphore,
  series,
  shadow,
  shedder,
  tokenBucket,
  tokenBuckets,
  when,
} from '../../src/index.ts'
import { loose } from '../loose.ts'

const gate = semaphore({ permits: 1 })
const refused: readonly (readonly [what: string, attempt: () => unknown, message: RegExp])[] = [
  ['fifo(100)', () => loose(fifo)(100), /^fifo: expected an object of options, got 100$/],
  ['codel(100)', () => loose(codel)(100), /^codel: expected an object of options, got 100$/],
  ['aimd(5)', () => loose(aimd)(5), /^aimd: expected an object of options, got 5$/],
  ['semaphore()', () => loose(semaphore)(), /^semaphore: expected an object of options, got undefined$/],
  ['semaphore(3)', () => loose(semaphore)(3), /^semaphore: expected an object of options, got 3$/],
  ['tokenBucket()', () => loose(tokenBucket)(), /^tokenBucket: expected an object of options, got undefined$/],
  ['tokenBucket(5)', () => loose(tokenBucket)(5), /^tokenBucket: expected an object of options, got 5$/],
  ['leakyBucket(5)', () => loose(leakyBucket)(5), /^leakyBucket: expected an object of options, got 5$/],
  ['tokenBuckets()', () => loose(tokenBuckets)(), /^tokenBuckets: expected an object of options, got undefined$/],
  ['tokenBucket({})', () => loose(tokenBucket)({}), /^tokenBucket\.tokens: expected a number above 0, got undefined$/],
  ['shedder()', () => loose(shedder)(), /^shedder: expected an object of options, got undefined$/],
  ['shedder({})', () => loose(shedder)({}), /^shedder\.pressure: expected a signal .*, got undefined$/],
  ['shedder of a number', () => loose(shedder)({ pressure: 0.9 }), /^shedder\.pressure: .*got 0\.9$/],
  ['shedder of a gate', () => loose(shedder)({ pressure: gate }), /^shedder\.pressure: .*got \[object Object\]$/],
  ['breaker(5)', () => loose(breaker)(5), /^breaker: expected an object of options, got 5$/],
  ['breaker by number', () => loose(breaker)({ rule: 5 }), /^breaker\.rule: expected a rule .*, got 5$/],
  [
    'a rule not made',
    () => loose(breaker)({ rule: consecutive }),
    /^breaker\.rule: expected a rule .*, got a function$/,
  ],
  ['retryBudget(0.1)', () => loose(retryBudget)(0.1), /^retryBudget: expected an object of options, got 0\.1$/],
  ['series of a list', () => loose(series)([gate, gate]), /^series: expected a gate, got a list of 2$/],
  ['series of an object', () => loose(series)(gate, {}), /^series: expected a gate, got \[object Object\]$/],
  ['series of a factory', () => loose(series)(gate, breaker), /^series: expected a gate, got a function$/],
  ['keyed without gates', () => loose(keyed)(() => 'a'), /^keyed\.make: expected a function, got undefined$/],
  [
    'keyed of one gate',
    () => loose(keyed)(() => 'a', gate),
    /^keyed\.make: expected a function, got \[object Object\]$/,
  ],
  [
    'keyed of no gates',
    () =>
      loose(keyed)(
        () => 'a',
        () => 5,
      ),
    /^keyed: expected a gate, got 5$/,
  ],
  ['keyed by a name', () => loose(keyed)('flow', () => gate), /^keyed\.keyOf: expected a function, got "flow"$/],
  ['shadow()', () => loose(shadow)(), /^shadow: expected a gate, got undefined$/],
  ['when the other way round', () => loose(when)(gate, () => true), /^when\.applies: expected a function, got/],
  ['when of nothing', () => loose(when)(() => true), /^when: expected a gate, got undefined$/],
  ['a queue by name', () => loose(semaphore)({ permits: 1, queue: 'fifo' }), /^semaphore\.queue: .*got "fifo"$/],
  ['a queue by length', () => loose(limiter)({ queue: 100 }), /^limiter\.queue: expected a queue .*, got 100$/],
  ['a queue not made', () => loose(limiter)({ queue: fifo }), /^limiter\.queue: expected a queue .*, got a function$/],
]

describe('what a newcomer types first', () => {
  for (const [what, attempt, message] of refused)
    it(`${what} is refused at once, in words`, () => assert.throws(attempt, { name: 'RangeError', message }))

  it('control: said as it is meant, it is a gate', () => {
    const made = series(
      keyed(
        (arrival) => arrival.flow,
        () => semaphore({ permits: 1, queue: fifo() }),
      ),
      when(() => true, shadow(breaker({ rule: consecutive(3) }), {})),
      shedder({ pressure: gate.pressure }),
    )
    assert.ok(made.tryEnter().admitted)
  })

  it('S1.8 a permit that ends without a word counts neither for nor against', () => {
    const gate = breaker({ rule: consecutive(1) })
    for (const word of [undefined, 'error', null]) {
      const permit = gate.tryEnter()
      assert.ok(permit.admitted)
      ;(permit.release as (outcome: unknown) => void)(word)
      assert.equal(gate.state.value, 'closed')
    }
    const permit = gate.tryEnter()
    assert.ok(permit.admitted)
    permit.release('failure')
    assert.equal(gate.state.value, 'open')
  })

  it('work that is no function is said to be none, and takes no slot', async () => {
    const run = gate.run.bind(gate) as unknown as (work: unknown, options?: unknown) => Promise<unknown>
    for (const options of [undefined, { timeout: 5 }])
      for (const work of [undefined, 5, Promise.resolve(1)]) {
        await assert.rejects(run(work, options), {
          name: 'RangeError',
          message: /^run\.work: expected a function, got/,
        })
        assert.equal(gate.stats.inflight, 0)
      }
  })

  it('S0.10 a timeout that is no length of time is refused, and takes no slot', async () => {
    const run = gate.run.bind(gate) as unknown as (work: unknown, options?: unknown) => Promise<unknown>
    for (const timeout of [Number.NaN, -1, '50', null]) {
      await assert.rejects(
        run(() => 1, { timeout }),
        { name: 'RangeError', message: /^run\.timeout: expected a number from 0 to Infinity, got/ },
      )
      assert.equal(gate.stats.inflight, 0)
    }
    assert.equal(await run(() => 1, { timeout: Infinity }), 1)
  })
})
