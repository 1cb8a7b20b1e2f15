import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Instant, Millis, Outcome, Window, WindowEnd } from '../../src/index.ts'
import { Meter } from '../../src/gate/meter.ts'
import { near, UNTIL } from './meter-bench.ts'

/** A meter that is told of every beginning and ending by hand, from 1000 on. */
class Log {
  readonly windows: Window[] = []
  readonly meter: Meter

  constructor(limit: number, until: Partial<WindowEnd> = {}, next: number = limit) {
    const step = { state: null, reason: 'told', until: { ...UNTIL, ...until } }
    this.meter = new Meter(
      {
        name: 'told',
        init: () => ({ ...step, limit }),
        step: (_state, window) => {
          this.windows.push(window)
          return { ...step, limit: next }
        },
      },
      1000,
    )
  }

  /** So many begin, with nobody else in flight. Returns their cohort. */
  begin(count: number, at: Instant): number {
    let cohort = 0
    for (let index = 0; index < count; index++) cohort = this.meter.began(at)
    return cohort
  }

  /** So many of a cohort end that began at `start`. */
  end(cohort: number, count: number, start: Instant, at: Instant, outcome: Outcome = 'success'): void {
    for (let index = 0; index < count; index++) this.meter.ended(cohort, start, at, outcome)
  }

  /** A window in which twenty took so long. Returns when it ended. */
  all(start: Instant, took: Millis): Instant {
    this.end(this.begin(20, start), 20, start, start + took)
    return start + took
  }

  get last(): Window {
    return this.windows.at(-1)!
  }
}

describe('meter: what a window says', () => {
  it('S1.3 the levels, averaged over time, the highest, and the share of time in which the limit bound', () => {
    const log = new Log(10, { samples: 1, error: 1, atLeast: 100 })
    const { meter } = log
    meter.mark(1000, 4, false)
    const cohort = log.begin(1, 1000)
    // Nine of ten are nearly all there is: it binds. So it does while somebody waits, however few are in flight.
    meter.mark(1050, 9, false)
    meter.mark(1075, 2, false)
    meter.mark(1080, 2, true)
    meter.mark(1100, 0, false)
    log.end(cohort, 1, 1000, 1100)
    const { start, end, meanInflight, peakInflight, bound } = log.last
    assert.deepEqual([start, end, meanInflight, peakInflight, bound], [1000, 1100, 4.75, 9, 0.45])
  })

  it('of no length: what is in flight now', () => {
    const log = new Log(10, { samples: 1, error: 1, atLeast: 0 })
    log.meter.mark(1000, 3, true)
    log.end(log.begin(1, 1000), 1, 1000, 1000)
    const { meanInflight, bound, rtt } = log.last
    assert.deepEqual([meanInflight, bound, rtt.count], [3, 0, 1])
    assert.ok(rtt.typical > 0)
  })

  it('with nobody of a cohort: no samples, and no figures of any', () => {
    const log = new Log(10)
    log.end(0, 1, 1000, 1999)
    assert.equal(log.windows.length, 0)
    log.end(0, 1, 1000, 2000)
    const { completed, rtt } = log.last
    assert.deepEqual([completed, rtt.count, rtt.min, rtt.mean, rtt.typical, rtt.error], [2, 0, 0, 0, 0, 1])
  })

  it('with nobody but failures and one who is still there: no samples either', () => {
    const log = new Log(20, { samples: 11, error: 1 })
    log.end(log.begin(11, 1000), 10, 1000, 1060, 'failure')
    assert.deepEqual([log.last.rtt.count, log.last.rtt.typical], [0, 0])
  })

  it('those who are still there count for as long as they have been, from when each began', () => {
    const log = new Log(50, { samples: 22, atLeast: 90 })
    const cohort = log.begin(1, 1010)
    log.begin(1, 1030)
    log.begin(20, 1040)
    log.end(cohort, 20, 1040, 1090)
    // Two of 22 began 80 and 60 ms ago.
    near(log.last.rtt.typical, Math.exp((20 * Math.log(50) + 2 * Math.log(70)) / 22), 1e-6)
  })

  it('how many of those counted left, where most of them did, and nothing of it where no more left than stayed', () => {
    const leavers = (count: number): number => {
      const log = new Log(50)
      const from = log.all(1000, 50)
      const cohort = log.begin(20, from)
      // One of twenty fails and one stays.
      log.end(cohort, 1, from, from + 80, 'failure')
      log.end(cohort, 18 - count, from, from + 80)
      log.end(cohort, count, from, from + 80, 'ignored')
      assert.equal(log.last.rtt.count, 18)
      return log.last.dropped
    }
    assert.deepEqual([8, 9, 10, 15, 18].map(leavers), [0, 0, 10, 15, 18])
  })

  it('failures and drops are no samples, however long they took', () => {
    for (const outcome of ['failure', 'dropped'] as const) {
      const log = new Log(50)
      const from = log.all(1000, 50)
      const cohort = log.begin(20, from)
      log.end(cohort, 5, from, from + 50)
      log.end(cohort, 15, from, from + 90, outcome)
      const { rtt, dropped } = log.last
      assert.deepEqual([rtt.count, rtt.mean, dropped > 0], [5, 50, outcome === 'dropped'])
    }
  })

  it('one sample says nothing of how much they vary', () => {
    const log = new Log(50)
    const cohort = log.begin(20, 1000)
    log.end(cohort, 10, 1000, 1030)
    log.end(cohort, 10, 1000, 1090)
    const spread = ({ error, count }: Window['rtt']): number => error * Math.sqrt(count)
    const deviation = spread(log.last.rtt)
    log.end(log.begin(1, 1090), 1, 1090, 2090)
    assert.equal(log.last.rtt.count, 1)
    log.all(2090, 800)
    // An eighth of variance is granted, and a tenth of what is known is from the one window that said something.
    near(spread(log.last.rtt), Math.sqrt(0.9 * 0.125 + 0.1 * deviation ** 2), 1e-9)
  })
})

describe('meter: when a window ends', () => {
  it('S1.3 with too few after so long, to the ms, when those have ended', () => {
    const ends = (at: Instant): boolean => {
      const log = new Log(50)
      log.end(log.begin(3, 1000), 3, 1000, at)
      return log.windows.length > 0
    }
    assert.deepEqual([1999, 2000].map(ends), [false, true])
  })

  it('with enough, not before so long', () => {
    const ends = (at: Instant): boolean => {
      const log = new Log(50)
      log.end(log.begin(20, 1000), 20, 1000, at)
      return log.windows.length > 0
    }
    assert.deepEqual([1049, 1050].map(ends), [false, true])
  })

  it('where some never end: after four times the mean, and no sooner than that, when half are back', () => {
    /** At what age, where so many of ten took 300 ms and somebody looks every ms. */
    const ends = (back: number, atMost: Millis): Millis | undefined => {
      const log = new Log(50, { samples: 10, atMost })
      const cohort = log.begin(10, 1000)
      log.end(cohort, back, 1000, 1300)
      for (let now = 1301; now < 9000; now++) {
        log.end(0, 1, now, now)
        if (log.windows.length > 0) return log.last.end - 1000
      }
      return undefined
    }
    assert.deepEqual([ends(5, 1000), ends(8, 1000), ends(5, 2000)], [1200, 1200, 2000])
    assert.deepEqual([ends(4, 1000), ends(0, 1000)], [undefined, undefined])
  })

  it('six show that work takes twice as long, and five do not', () => {
    const cuts = (count: number): boolean => {
      const log = new Log(50)
      const from = log.all(1000, 50)
      log.end(log.begin(count, from), 1, from, from + 110)
      return log.windows.length > 1 && log.last.cut
    }
    assert.deepEqual([5, 6].map(cuts), [false, true])
  })

  it('where times vary, 25 for each of their variance show it, and one fewer does not', () => {
    const cuts = (count: number): boolean => {
      const log = new Log(200, { samples: 20, error: 0.5 })
      let from = 1000
      for (let window = 0; window < 60; window++) {
        const cohort = log.begin(20, from)
        log.end(cohort, 10, from, from + 15)
        log.end(cohort, 10, from, from + 150)
        from += 150
      }
      const known = log.windows.length
      log.end(log.begin(count, from), 1, from, from + 150 * 8)
      return log.windows.length > known && log.last.cut
    }
    // ln 10 ÷ 2, of twenty: a variance of 1.395, so 34.9 of them.
    assert.deepEqual([34, 35].map(cuts), [false, true])
  })
})

describe('meter: who belongs to a window', () => {
  it('nobody more once there are enough, though the limit is reached only then', () => {
    const log = new Log(20, { samples: 3, error: 1, atLeast: 0 })
    assert.equal(log.begin(3, 1000), 1)
    assert.equal(log.begin(1, 1010), 0)
    log.meter.mark(1020, 19, false)
    assert.equal(log.begin(1, 1020), 0, 'it does not begin anew')
    log.end(1, 3, 1000, 1050)
    assert.equal(log.last.start, 1000)
  })

  it('whoever comes to a limit of one that nobody used: nothing is to begin anew', () => {
    const log = new Log(1)
    log.meter.mark(1500, 1, false)
    assert.equal(log.begin(1, 1500), 1)
  })

  it('after a raise everybody from when it was reached, also when fewer are in flight again', () => {
    const log = new Log(10, {}, 40)
    const from = log.all(1000, 50)
    log.meter.mark(from, 20, false)
    assert.equal(log.begin(1, from), 0)
    log.meter.mark(from + 5, 39, false)
    assert.notEqual(log.begin(1, from + 5), 0)
    log.meter.mark(from + 10, 20, false)
    assert.notEqual(log.begin(1, from + 10), 0)
  })
})
