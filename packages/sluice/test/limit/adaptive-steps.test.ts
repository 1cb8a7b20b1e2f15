import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adaptive, type AdaptiveOptions, type AdaptiveState, type Millis, type Step } from '../../src/index.ts'
import { NEGLIGIBLE, type Sight } from '../../src/limit/latency-curve.ts'
import { dipped, FLAT, VARIED, workers, type Service } from './play.ts'
import { windowOf, type WindowParts } from './window-of.ts'

const NOW = 100_000
const KNEE = workers(40)

const sight = (inflight: number, took: Millis, error: number): Sight => ({
  inflight: Math.log(inflight),
  latency: Math.log(took + NEGLIGIBLE),
  doubt: error ** 2,
  at: NOW - 100,
})
const seen = (service: Service, levels: readonly number[], error: number = 0.03): readonly Sight[] =>
  levels.map((level) => sight(level, service(level), error))

/** What is known of 40 workers: enough. */
const KNOWN = seen(KNEE, [20, 30, 40, 50, 60])

/** One step from a state that knows what it is told to, no look being due, in a window at the limit. */
function step(
  state: Partial<AdaptiveState> & { readonly limit: number },
  took: Millis,
  window: WindowParts = {},
  options: AdaptiveOptions = {},
): Step<AdaptiveState> {
  const whole: AdaptiveState = {
    curve: KNOWN,
    prior: null,
    trip: null,
    fallen: null,
    alarmed: false,
    rate: 0,
    idled: 0,
    nextDip: Infinity,
    lifted: { at: NOW, took: 0, soon: 0 },
    ...state,
  }
  const parts = { error: 0.03, meanInflight: whole.limit, took, start: NOW - 100, end: NOW, ...window }
  return adaptive(options).step(whole, windowOf(parts))
}

const said = ({ limit, reason }: Step<AdaptiveState>): string => `${limit} ${reason}`

describe('adaptive: one step at a time, at the limit', () => {
  it('S1.3 goes to just above the knee from wherever it is, and says which way', () => {
    const from = (limit: number): string => said(step({ limit }, KNEE(limit)))
    assert.deepEqual(
      [20, 30, 40, 45, 48, 60, 100].map(from),
      ['40 headroom', '48 headroom', '45 headroom', '45 at the knee', '45 queueing', '48 queueing', '48 queueing'],
      'no more than twice as much at once',
    )
  })

  it('S1.3 learns what came through of the first losses, and nothing from those after them', () => {
    const lossy = { dropped: 10, completed: 10, meanInflight: 60 }
    const first = step({ limit: 60, curve: [] }, 75, lossy)
    assert.deepEqual([said(first), first.state.curve.length, first.state.fallen], ['30 drops', 1, 60])
    const second = step({ ...first.state }, 90, { ...lossy, meanInflight: 30 })
    assert.deepEqual([said(second), second.state.curve.length], ['15 drops', 1])
  })

  it('looks below the knee when due, unless latency there is known as well as from one window', () => {
    const probes = (error: number): boolean => {
      const curve = seen(workers(40), [20, 40, 60, 80]).map((sight) =>
        sight.inflight < Math.log(30) ? { ...sight, doubt: error ** 2, at: NOW } : sight,
      )
      return step({ limit: 45, curve, nextDip: NOW }, KNEE(45)).reason === 'probe'
    }
    assert.deepEqual([0.05, 0.099, 0.101, 0.2].map(probes), [false, false, true, true])
  })

  it("stays where it would go a hair's breadth: 3 %, or half of one", () => {
    const service = workers(90)
    const curve = seen(service, [40, 60, 90, 120, 150])
    const from = (limit: number): string => said(step({ limit, curve }, service(limit)))
    assert.deepEqual([98, 104, 110].map(from), ['106 headroom', '104 at the knee', '106 queueing'])
    const few = seen(workers(5), [4, 5, 6, 8, 10])
    assert.equal(said(step({ limit: 7, curve: few }, workers(5)(7))), '6 queueing')
  })

  it('looks twice as high where one sight is all there is, and where no queueing was seen', () => {
    const first = step({ limit: 40, curve: [] }, 50)
    assert.equal(said(first), '80 first look')
    assert.deepEqual(first.state.trip, { since: NOW, back: 40, up: true })
    const flat = seen(FLAT, [20, 30, 40])
    assert.equal(said(step({ limit: 40, curve: flat }, 50)), '80 headroom')
    const up = step({ limit: 60, curve: flat, trip: { since: NOW - 500, back: 40, up: true } }, 50)
    assert.deepEqual([said(up), up.state.trip], ['120 headroom', null])
    const down = step({ limit: 20, curve: flat, trip: { since: NOW - 500, back: 40, up: false } }, 50)
    assert.deepEqual([said(down), down.state.trip], ['40 probed', null])
  })

  it('S1.3 a look below is over after one window, and due again after 2 s, or fifty times as long as it took', () => {
    const back = (took: Millis): readonly [string, number] => {
      const next = step({ limit: 26, trip: { since: NOW - took, back: 45, up: false } }, KNEE(26))
      assert.equal(next.state.trip, null)
      return [said(next), next.state.nextDip - NOW]
    }
    assert.deepEqual(
      [back(15), back(500)],
      [
        ['48 probed', 2000],
        ['48 probed', 25_000],
      ],
    )
  })

  it('a look above is due after 5 s, or 200 times what it took, 20 s at most; an eighth of it after a loss', () => {
    const due = (ago: Millis, took: Millis, soon: number): boolean => {
      const next = step({ limit: 45, lifted: { at: NOW - ago, took, soon } }, KNEE(45))
      assert.ok(['57 lift', '45 at the knee'].includes(said(next)), said(next))
      return next.reason === 'lift'
    }
    for (const [after, took, soon] of [
      [5000, 0, 0],
      [10_000, 50, 0],
      [20_000, 300, 0],
      [625, 0, 8],
      [1250, 50, 1],
    ] as const)
      assert.deepEqual(
        [after - 1, after].map((ago) => due(ago, took, soon)),
        [false, true],
        `${after}`,
      )
  })

  it('where nothing queues it is due after 0.7 s, or four times what it took', () => {
    const due = (ago: Millis, took: Millis): boolean => {
      const next = step({ limit: 40, lifted: { at: NOW - ago, took, soon: 0 } }, 50)
      if (next.reason === 'lift') assert.deepEqual(next.state.trip, { since: NOW, back: 40, up: true })
      return next.reason === 'lift'
    }
    for (const [after, took] of [
      [700, 0],
      [1200, 300],
    ] as const)
      assert.deepEqual(
        [after - 1, after].map((ago) => due(ago, took)),
        [false, true],
        `${after}`,
      )
  })

  it('S1.3 a look above goes on where it finds room, and forgets what was seen higher up', () => {
    const curve = seen(KNEE, [20, 30, 40, 50, 70, 90], 0.1)
    const up = (took: Millis): Step<AdaptiveState> =>
      step({ limit: 60, curve, trip: { since: NOW - 500, back: 45, up: true } }, took, { error: 0.1 })
    const room = up(55)
    assert.equal(said(room), '90 headroom')
    assert.deepEqual(room.state.trip, { since: NOW - 500, back: 60, up: true })
    assert.deepEqual(
      room.state.curve.map(({ inflight }) => Math.round(Math.exp(inflight))),
      [20, 30, 40, 50, 60],
    )
    const none = up(75)
    assert.equal(said(none), '48 lifted')
    assert.deepEqual(none.state.lifted, { at: NOW, took: 500, soon: 0 })
    assert.equal(none.state.trip, null)
    const trip = { since: NOW - 500, back: 45, up: true }
    const fewer = step({ limit: 60, curve, trip, lifted: { at: 0, took: 0, soon: 3 } }, 75, { error: 0.1 })
    assert.deepEqual(fewer.state.lifted, { at: NOW, took: 500, soon: 2 })
  })

  it('a look below the knee waits until it is due, and is not for one that can go no lower', () => {
    const play = dipped()
    const { state, limit } = play.steps.at(-2)!
    const curve = state.curve.map((each) => ({ ...each, at: each.at + NOW - play.now }))
    const from = { ...state, curve, lifted: { at: NOW, took: 0, soon: 0 } }
    const reasonOf = (nextDip: number, min: number): string =>
      step({ ...from, nextDip }, KNEE(limit), VARIED, { min }).reason
    assert.equal(reasonOf(NOW, 1), 'probe')
    assert.notEqual(reasonOf(NOW + 1, 1), 'probe')
    assert.notEqual(reasonOf(NOW, limit), 'probe')
  })
})

describe('adaptive: where nothing but queueing is seen', () => {
  const service = workers(5)
  const curve = seen(service, [40, 60])
  const deeper = (state: Partial<AdaptiveState>, options: AdaptiveOptions = {}): Step<AdaptiveState> =>
    step({ limit: 40, curve, nextDip: NOW, ...state }, service(40), {}, options)

  it('S1.3 it looks at half of the lowest that was seen, once that is due, and will return', () => {
    const next = deeper({})
    assert.equal(said(next), '20 probe deeper')
    assert.deepEqual(next.state.trip, { since: NOW, back: 40, up: false })
    assert.equal(said(deeper({ nextDip: NOW + 1 })), '34 queueing')
    assert.equal(said(deeper({ nextDip: NOW + 1, curve: curve.slice(1) })), '34 queueing', 'two sights are not enough')
  })

  it('from a look above it turns at once, if that was the first, and returns to where it came from', () => {
    const trip = { since: NOW - 500, back: 30, up: true }
    const third = seen(service, [20, 30, 60])
    const next = deeper({ trip, nextDip: NOW + 1, curve: curve.slice(1) })
    assert.equal(said(next), '20 probe deeper')
    assert.deepEqual(next.state.trip, { since: NOW, back: 30, up: false })
    assert.notEqual(deeper({ trip, nextDip: NOW + 1, curve: third }).reason, 'probe deeper')
    assert.equal(deeper({ trip, nextDip: NOW, curve: third }).reason, 'probe deeper', 'control: it is due')
  })

  it('a look below goes on, and began when it began', () => {
    const trip = { since: NOW - 500, back: 80, up: false }
    const next = deeper({ trip, nextDip: NOW + 1 })
    assert.equal(said(next), '20 probe deeper')
    assert.deepEqual(next.state.trip, trip)
  })

  it('after a fall its windows are shorter: it costs most then', () => {
    assert.equal(deeper({}).until.samples, 20)
    assert.equal(deeper({ fallen: 90 }).until.samples, 8)
  })

  it('not where it can go no lower', () => {
    assert.equal(said(deeper({}, { min: 40 })), '40 queueing')
    assert.equal(said(deeper({}, { min: 39 })), '39 probe deeper')
  })
})

describe('adaptive: a fall', () => {
  it('S1.3 the cut is as deep as work became slower, to 0.4 at the deepest; where the base is not known, to half', () => {
    const cut = (took: Millis): string => said(step({ limit: 45 }, took))
    assert.deepEqual([75, 80, 100, 150, 500].map(cut), [
      '35 queueing',
      '33 queueing',
      '27 queueing',
      '18 queueing',
      '18 queueing',
    ])
    assert.equal(said(step({ limit: 45, curve: seen(KNEE, [60, 70, 80]) }, 300)), '25 queueing')
    assert.equal(said(step({ limit: 2, curve: seen(workers(2), [1, 2, 3]) }, 90)), '1 queueing', 'by one at least')
  })

  it('a window cut short says that work is slower, not how much; that it is quicker it says for sure', () => {
    assert.equal(said(step({ limit: 45 }, 60, { cut: true })), '45 slower')
    assert.equal(said(step({ limit: 45, fallen: 60 }, 300, { cut: true })), '45 slower')
    assert.equal(said(step({ limit: 45 }, 20, { cut: true })), said(step({ limit: 45 }, 20)))
  })

  /** What is said after a fall from 60, in which latency followed the limit by such a power, seen so clearly. */
  const followed = (power: number, error: number, rate: number = 0.4): string => {
    const service: Service = (inflight) => 205 * (inflight / 20) ** power - NEGLIGIBLE
    const curve = seen(service, [40, 30], error)
    const prior = { latency: Math.log(55), doubt: 0.15 ** 2 }
    return said(step({ limit: 20, curve, prior, fallen: 60, rate }, service(20), { error }))
  }

  it('S1.3 the dependency is slower where latency hardly followed, and no queueing is seen for sure', () => {
    assert.deepEqual(
      [0, 0.1, 0.2, 0.3, 0.34].map((power) => followed(power, 0.1)),
      Array(5).fill('120 dependency slower'),
    )
    assert.equal(followed(0.1, 0.03), '120 dependency slower')
  })

  it('it is not where throughput did not follow: it is counted, and 0.2 answers per ms now', () => {
    assert.equal(followed(0.1, 0.1, 0.27), '120 dependency slower')
    for (const rate of [0.26, 0.2, 0.1]) assert.notEqual(followed(0.1, 0.1, rate), '120 dependency slower')
  })

  it('it is not where it followed by more, nor where a knee is seen for sure', () => {
    for (const power of [0.36, 0.5, 0.7, 1]) assert.equal(followed(power, 0.1), '13 queueing')
    assert.notEqual(followed(0.2, 0.03), '120 dependency slower')
  })

  it('by how much is judged from the lowest to the highest that was seen, whichever came last', () => {
    const prior = { latency: Math.log(55), doubt: 0.15 ** 2 }
    const curve = [sight(30, 285, 0.15), sight(40, 270, 0.15), sight(15, 200, 0.15)]
    // To the last one, or from the first, it would be half a power and more.
    const next = step({ limit: 20, curve, prior, fallen: 60, rate: 0.4 }, 185, { error: 0.15 })
    assert.equal(said(next), '120 dependency slower')
  })

  it('nor where what was believed is hardly contradicted', () => {
    const prior = { latency: Math.log(55), doubt: 0.15 ** 2 }
    const curve = [sight(40, 70, 0.1), sight(30, 70, 0.1)]
    const next = step({ limit: 20, curve, prior, fallen: 60, rate: 0.4 }, 70, { error: 0.1 })
    assert.equal(said(next), '40 headroom')
    assert.equal(next.state.prior, prior)
  })

  it('having said so it does not look below for 2 s', () => {
    const prior = { latency: Math.log(55), doubt: 0.15 ** 2 }
    const curve = [sight(40, 200, 0.03), sight(30, 200, 0.03)]
    const { state } = step({ limit: 20, curve, prior, fallen: 60, rate: 0.4 }, 200)
    assert.deepEqual([state.nextDip, state.fallen, state.prior, state.trip], [NOW + 2000, null, null, null])
  })
})

describe('adaptive: one step at a time, the limit holding nobody back', () => {
  it('it binds from three quarters of the time on', () => {
    const reason = (bound: number): string => step({ limit: 45 }, KNEE(45), { bound }).reason
    assert.deepEqual([0.74, 0.75].map(reason), ['idle', 'at the knee'])
  })

  it('what is seen is learned where less than half is in flight, or nothing is known yet', () => {
    const learned = (curve: readonly Sight[], meanInflight: number, took: Millis = 50): number =>
      step({ limit: 45, curve }, took, { bound: 0, meanInflight }).state.curve.length
    assert.deepEqual(
      [10, 22.5, 40].map((level) => learned(KNOWN, level)),
      [6, 5, 5],
    )
    assert.deepEqual(
      [10, 22.5, 40].map((level) => learned([], level)),
      [1, 1, 1],
    )
    assert.equal(learned(KNOWN, 10, 500), 1, 'it contradicts all that was known')
  })

  it('looks above begin anew: the next is due as after none', () => {
    const { lifted } = step({ limit: 45, lifted: { at: 5, took: 9, soon: 3 } }, 50, { bound: 0 }).state
    assert.deepEqual(lifted, { at: NOW, took: 0, soon: 0 })
  })

  it('an alarm makes the next window short, whether it binds or not', () => {
    for (const bound of [0, 1]) {
      const next = step({ limit: 45, idled: 5 }, 300, { bound, cut: true })
      assert.deepEqual([said(next), next.until.samples, next.state.idled], ['45 slower', 8, bound === 0 ? 6 : 5])
    }
  })
})

describe('adaptive: throughput', () => {
  // 0.2 answers per ms in the window.
  const fallen = (rate: number): AdaptiveState['lifted'] =>
    step({ limit: 45, rate, lifted: { at: 5, took: 9, soon: 0 } }, 500).state.lifted

  it('S1.3 capacity that was lost is looked for sooner, eight times; not where only latency grew', () => {
    assert.deepEqual(fallen(0.41), { at: NOW, took: 9, soon: 8 })
    assert.deepEqual(fallen(0.39), { at: 5, took: 9, soon: 0 })
  })

  it('a fall is the new beginning; else a window counts for three tenths, one cut short for nothing', () => {
    const rate = (took: Millis, known: number, window: WindowParts = {}): number =>
      step({ limit: 45, rate: known }, took, window).state.rate
    assert.equal(rate(500, 0.4), 0.2)
    assert.ok(Math.abs(rate(KNEE(45), 0.4) - 0.34) < 1e-9)
    assert.ok(Math.abs(rate(50, 0.4, { bound: 0 }) - 0.34) < 1e-9)
    assert.equal(rate(KNEE(45), 0), 0.2)
    assert.equal(rate(60, 0.4, { cut: true }), 0.4)
  })

  const first = (idled: number, rate: number, took: Millis): string => said(step({ limit: 45, idled, rate }, took))

  it('S1.3 held back for the first time in five windows, fewer answers than before: it looks up, not down', () => {
    assert.equal(first(5, 0.27, KNEE(45)), '90 first look')
    assert.equal(first(5, 0.26, KNEE(45)), '45 at the knee', 'a crowd')
    assert.equal(first(4, 0.27, KNEE(45)), '45 at the knee', 'not for long enough')
    assert.equal(first(0, 0.27, KNEE(45)), '45 at the knee')
  })

  it('S1.3 where no queueing was seen by then half a standard deviation of what is counted is fewer', () => {
    const looks = (completed: number, share: number, curve: readonly Sight[]): boolean =>
      step({ limit: 45, idled: 5, rate: completed / 100 / share, curve }, 50, { completed }).reason === 'first look'
    const flat = seen(FLAT, [5, 10, 20])
    assert.deepEqual([looks(16, 0.87, flat), looks(16, 0.88, flat)], [true, false])
    assert.deepEqual([looks(100, 0.94, flat), looks(100, 0.96, flat)], [true, false])
    assert.equal(looks(100, 0.8, KNOWN), false, 'control: queueing is known')
  })

  it('S1.3 where a look below takes as long as it did above, it goes up: that was not our queueing', () => {
    const down = { since: NOW - 200, back: 20, up: false }
    const idle = seen(FLAT, [5, 8, 12])
    const looks = (above: Millis, trip: AdaptiveState['trip'], took: Millis = 200): string =>
      said(step({ limit: 5, trip, curve: [...idle, sight(20, above, 0.03)] }, took))
    assert.equal(looks(200, down), '40 first look')
    assert.equal(looks(50, down), '2 queueing', 'above it was as ever: it changed since')
    assert.equal(looks(800, down), '3 queueing', 'less in flight is quicker')
    assert.equal(looks(200, null), '2 queueing', 'control: no look')
  })

  it('but not where twice as much would not bring it back: capacity was lost', () => {
    assert.equal(first(5, 0.49, 500), '90 first look')
    assert.equal(first(5, 0.51, 500), '18 queueing')
  })

  it('S1.3 so it does where work takes longer than the curve allows, and nothing of that is believed any more', () => {
    assert.equal(first(0, 0.2, 500), '18 queueing', 'control: it has bound before')
    const { state, limit } = step({ limit: 45, idled: 5, rate: 0.2, nextDip: Infinity }, 500)
    assert.equal(limit, 90)
    assert.deepEqual([state.curve.length, state.prior, state.idled], [1, null, 0])
    assert.deepEqual(state.trip, { since: NOW, back: 45, up: true }, 'where that was wrong it comes back')
    // Latency follows: less can be done.
    assert.equal(said(step({ ...state, limit: 90 }, 1000)), '23 probe deeper')
    assert.equal(said(step({ ...state, limit: 90 }, 500)), '180 headroom')
  })
})
