import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { VirtualClock } from 'sluice/sim'
import { CallMeter } from '../../src/llm/call-meter.ts'
import { LlmMeter } from '../../src/llm/llm-meter.ts'

const SIZE = { model: 'm', input: 100, maxOutput: undefined, stream: true }

function metered(): { clock: VirtualClock; meter: LlmMeter; call: () => CallMeter } {
  const clock = new VirtualClock(5000)
  const meter = new LlmMeter(clock)
  return { clock, meter, call: () => new CallMeter(meter, clock, clock.now()) }
}

describe('S3.8 the meter of calls', () => {
  it('times the first token from the arrival, and each piece from the one before', () => {
    const { clock, meter, call } = metered()
    const one = call()
    clock.advance(300)
    one.streamed(0, 0)
    clock.advance(100)
    one.streamed(1, 1)
    clock.advance(20)
    one.streamed(3, 3)
    one.streamed(3, 3)
    assert.deepEqual([meter.firstToken.total, meter.gap.total], [400, 20])
    // Up to half a second, and up to 25 ms.
    assert.equal(meter.firstToken.counts[meter.firstToken.bounds.indexOf(0.5)], 1)
    assert.equal(meter.gap.counts[meter.gap.bounds.indexOf(0.025)], 1)
  })

  it('counts tokens once at the end, and for the present as they come', () => {
    const { clock, meter, call } = metered()
    const one = call()
    one.streamed(10, 10)
    assert.deepEqual([meter.tokens.output, meter.lately.sum().flow.output], [0, 10])
    one.ended(SIZE, { input: 80, output: 12 }, 24, true)
    assert.deepEqual(meter.tokens, { input: 80, output: 12 })
    assert.deepEqual([meter.lately.sum().flow.input, meter.lately.sum().flow.output], [80, 12])
    clock.advance(11_000)
    assert.equal(meter.lately.sum().flow.output, 0, 'what is over is not the present')
    assert.equal(meter.tokens.output, 12)
  })

  it('who left before the first token has used nothing; what nobody counted is what was estimated', () => {
    const { meter, call } = metered()
    call().ended(SIZE, undefined, 50, false)
    assert.deepEqual(meter.tokens, { input: 0, output: 0 })
    call().ended(SIZE, undefined, 50, true)
    assert.deepEqual(meter.tokens, { input: 100, output: 0 })
    assert.deepEqual(meter.error, { input: undefined, output: undefined }, 'nothing was learned of predictions')
  })

  it('how far predictions are off is between 0 and 1, whichever is larger', () => {
    const { meter, call } = metered()
    call().ended(SIZE, { input: 50, output: 10 }, 40, true)
    assert.deepEqual(meter.error, { input: 0.5, output: 0.75 })
    for (let i = 0; i < 200; i++) call().ended(SIZE, { input: 100, output: 40 }, 40, true)
    assert.ok(meter.error.output < 0.01 && meter.error.input < 0.01)
  })

  it('refusals are told apart by class and by few words for their status', () => {
    const { meter } = metered()
    for (const status of [429, 429, 0, 400, 404, 500, 529]) meter.refusedBy('capacity', status)
    assert.deepEqual(Object.fromEntries(meter.refusals.get('capacity')!), { 429: 2, none: 1, '4xx': 2, '5xx': 2 })
  })

  it('keeps ten seconds, whatever comes', () => {
    const { clock, meter } = metered()
    for (let i = 0; i < 1000; i++) {
      meter.letIn(2, i % 7)
      clock.advance(100)
    }
    const { flow, over } = meter.lately.sum()
    assert.ok(flow.waits[2]!.count >= 90 && flow.waits[2]!.count <= 100, `${flow.waits[2]!.count}`)
    assert.ok(over >= 9000 && over <= 10_000, `${over}`)
  })
})
