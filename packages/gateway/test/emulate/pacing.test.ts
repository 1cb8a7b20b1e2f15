import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded, type Random } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import { Provider, type ProviderOptions } from '../../src/emulate/index.ts'

/** Minutes in virtual time: what a bench does with it. A caller decides every 20 ms, with all the work it can do. */
function run(
  options: ProviderOptions,
  eager: (clock: VirtualClock, random: Random) => () => boolean,
  during?: (provider: Provider, clock: VirtualClock) => void,
): { utilisation: number; refused: number } {
  const clock = new VirtualClock(1)
  const random = seeded(4)
  const provider = new Provider({ ...options, limits: { tokens: 60_000 }, clock, epoch: 0, random, logSize: 0 })
  const may = eager(clock, random)
  const listener = {
    refused: () => refused++,
    admitted: () => {},
    began: () => {},
    tokens: () => {},
    finished: () => {},
    broke: () => {},
  }
  let refused = 0
  during?.(provider, clock)
  for (let at = 0; at < 5 * 60_000; at += 20) {
    if (at === 60_000) {
      provider.reset()
      refused = 0
    }
    clock.advance(20)
    while (may()) {
      const before = refused
      provider.arrive({ ask: { input: 40, maxTokens: 100 }, model: 'm', stream: false, output: 20 }, listener)
      if (refused > before) break
    }
  }
  return { utilisation: provider.usage().tokens!.utilisation, refused }
}

/** Sends no more than so many tokens a ms, as 100 for each call. */
function paced(rate: number): (clock: VirtualClock) => () => boolean {
  return (clock) => {
    let next = clock.now() + 100
    return () => {
      if (clock.now() < next) return false
      next += 100 / rate
      return true
    }
  }
}

describe('a caller before the emulated limits, in virtual time', () => {
  it('at exactly the rate: all of the limit, and not one refusal', () => {
    const { utilisation, refused } = run({}, paced(1))
    assert.ok(utilisation > 0.995 && utilisation < 1.005, `${utilisation}`)
    assert.equal(refused, 0)
  })

  it('whoever takes what the headers do not give is refused, and gets no more than the limit', () => {
    const { utilisation, refused } = run({}, () => () => true)
    assert.ok(utilisation > 0.99 && utilisation < 1.005, `${utilisation}`)
    assert.ok(refused > 1000, `${refused}`)
  })

  it('at the rate of a limit that was cut in half, half of the calls are refused', () => {
    const { utilisation, refused } = run({}, paced(1), (provider, clock) =>
      clock.after(60_010, () => provider.scale(0.5)),
    )
    // Four minutes' worth of it, and the bucket that was full.
    assert.ok(utilisation > 1.24 && utilisation < 1.26, `${utilisation}`)
    assert.ok(refused > 900, `${refused}`)
  })

  it('with somebody else on the same key the same rate is too much', () => {
    const { refused } = run({ foreign: { share: 0.5 } }, paced(1))
    assert.ok(refused > 100, `${refused}`)
    assert.equal(run({ foreign: { share: 0.5 } }, paced(0.49)).refused, 0)
  })

  it('a caller who takes a reservation for what is used in the end is refused', () => {
    // It sends as if only the 60 tokens that are used counted.
    assert.ok(run({ mode: 'reserve-max' }, paced(100 / 60)).refused > 1000)
    assert.equal(run({ mode: 'reserve-max-refund' }, paced(100 / 60.5)).refused, 0)
  })
})
