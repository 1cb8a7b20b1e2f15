import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { liveness, readiness, type ReadinessOptions } from '../../src/http/index.ts'
import type { Pressure } from '../../src/index.ts'

class Dial {
  level = 0
  get value(): Pressure {
    return { level: this.level, cause: 'dial' }
  }
  subscribe(): Disposable {
    return { [Symbol.dispose]: () => undefined }
  }
}

/** A readiness that is asked once a second. */
class Play {
  now = 0
  readonly cpu = new Dial()
  readonly refusals = { admissions: 0, rejections: 0 }
  readonly ready

  constructor(options: ReadinessOptions = {}) {
    const clock = { now: () => this.now, after: () => assert.fail('no timer is needed') }
    this.ready = readiness({ clock, pressures: { cpu: this.cpu }, refusals: this.refusals, ...options })
  }

  /** What each of the next seconds says, with so many admitted and refused in each. */
  seconds(count: number, admitted = 0, refused = 0): string {
    return Array.from({ length: count }, () => {
      this.now += 1000
      this.refusals.admissions += admitted
      this.refusals.rejections += refused
      return this.ready.causes.join('+') || 'ready'
    }).join(' ')
  }
}

describe('readiness', () => {
  it('S1.9 is 200 when calm, 503 with its causes else; liveness never looks at load', () => {
    const play = new Play()
    assert.deepEqual([play.ready.answer().status, play.ready.answer().body], [200, '{"status":"ready"}'])
    play.cpu.level = 0.91
    const { status, body, headers } = play.ready.answer()
    assert.deepEqual([status, body], [503, '{"status":"unready","causes":["cpu"]}'])
    assert.equal(headers['content-length'], String(body.length))
    assert.equal(liveness().status, 200)
  })

  it('S1.9 over 90 % at once, back only below 80 % and after five calm seconds', () => {
    const play = new Play()
    play.cpu.level = 0.9
    assert.equal(play.seconds(2), 'ready ready')
    play.cpu.level = 0.95
    assert.equal(play.seconds(2), 'cpu cpu')
    play.cpu.level = 0.85
    assert.equal(play.seconds(3), 'cpu cpu cpu')
    play.cpu.level = 0.8
    assert.equal(play.seconds(7), 'settling settling settling settling settling ready ready')
  })

  it('S1.9 a load that swings about the mark does not make it flap', () => {
    const play = new Play()
    let changes = 0
    let before = true
    for (let second = 0; second < 600; second++) {
      play.cpu.level = second % 4 < 2 ? 0.92 : 0.85
      play.now += 1000
      const { ready } = play.ready
      if (ready !== before) changes++
      before = ready
    }
    assert.equal(changes, 1)
  })

  it('S1.9 shedding that persists makes unready, a burst does not', () => {
    const play = new Play()
    assert.equal(play.seconds(9, 50, 50), Array(9).fill('ready').join(' '))
    assert.equal(play.seconds(1, 100, 0), 'ready', 'one second without refusals ends the episode')
    assert.equal(play.seconds(11, 50, 50), `${Array(9).fill('ready').join(' ')} shedding shedding`)
    assert.equal(play.seconds(6, 100, 5), 'settling settling settling settling settling ready')
    assert.equal(play.seconds(20, 90, 10).includes('shedding'), false, 'a tenth is not too many')
  })

  it('S1.9 … also where two ask, one a moment after the other', () => {
    const play = new Play()
    for (let second = 0; second < 11; second++) {
      play.seconds(1, 50, 50)
      play.now += 3
      void play.ready.causes
    }
    assert.deepEqual(play.ready.causes, ['shedding'])
  })

  it('shedding ends when nobody comes any more', () => {
    const play = new Play()
    assert.match(play.seconds(11, 0, 10), /shedding$/)
    assert.match(play.seconds(6), /ready$/)
  })

  it('being asked often or twice at once changes nothing', () => {
    const play = new Play()
    for (let second = 0; second < 10; second++) {
      play.now += 1000
      play.refusals.rejections += 10
      for (let again = 0; again < 3; again++) void play.ready.ready
    }
    assert.deepEqual(play.ready.causes, ['shedding'])
  })

  it('is unready until started where it is told so, and for good once it drains', () => {
    const play = new Play({ started: false })
    assert.deepEqual(play.ready.causes, ['starting'])
    play.ready.start()
    assert.ok(play.ready.ready)
    play.ready.drain()
    assert.equal(play.seconds(100), Array(100).fill('draining').join(' '))
    assert.equal(play.ready.answer().status, 503)
  })

  it('says how long its answer is in bytes, whatever a pressure is called', () => {
    const full = new Dial()
    full.level = 1
    const { headers, body } = readiness({ pressures: { größe: full } }).answer()
    assert.equal(headers['content-length'], String(Buffer.byteLength(body)))
  })

  it('refuses options that make no sense', () => {
    for (const [options, message] of [
      [{ above: -1 }, /^readiness\.above/],
      [{ until: 0.95 }, /^readiness\.until: expected a number from 0 to 0\.9, got 0\.95/],
      [{ sheddingAbove: 2 }, /^readiness\.sheddingAbove/],
      [{ sheddingFor: -1 }, /^readiness\.sheddingFor/],
      [{ settle: Number.NaN }, /^readiness\.settle/],
    ] as const)
      assert.throws(() => readiness(options), { name: 'RangeError', message })
  })
})
