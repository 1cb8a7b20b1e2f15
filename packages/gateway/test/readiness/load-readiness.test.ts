import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { VirtualClock } from 'sluice/sim'
import { configOf, gatewayPlan, tableOf, type GatewayPlan } from '../../src/config/index.ts'
import { LoadReadiness } from '../../src/readiness/index.ts'
import { usageOf } from '../../src/workers/usage.ts'

function planOf(text: string): GatewayPlan {
  return gatewayPlan({ flags: { upstream: 'http://a:1' }, file: configOf('c.yaml', text, {}) })
}

const DEFAULT = 'listen: { readiness: {} }'

/** A gateway whose figures are set by hand. */
class Play {
  readonly clock = new VirtualClock(5000)
  /** Of all processors, and of all memory: from 0 to 1. */
  cpu = 0
  memory = 0
  readonly refusals = { admissions: 0, rejections: 0 }
  readonly load

  constructor(text: string) {
    const { cpu, memory } = usageOf(() => ({ cpu: 4 * this.cpu, rss: 1000 * this.memory }), false, this.clock)
    this.load = new LoadReadiness({
      clock: this.clock,
      refusals: () => this.refusals,
      usage: { cpu: { ...cpu, cores: 4 }, memory: { ...memory, limit: 1000 } },
    })
    this.load.follow(planOf(text))
    this.load.start()
  }

  /** What the end of each of the next seconds says, with so many let in and refused in each. */
  seconds(count: number, admitted = 0, refused = 0): string {
    return Array.from({ length: count }, () => {
      this.refusals.admissions += admitted
      this.refusals.rejections += refused
      this.clock.advance(1000)
      return this.load.causes.join('+') || 'ready'
    }).join(' ')
  }
}

describe('readiness of the gateway', () => {
  it('S1.9 never looks at load unless the plan says so', () => {
    const play = new Play('')
    ;[play.cpu, play.memory] = [1, 1]
    assert.equal(play.seconds(3, 0, 100), 'ready ready ready')
    assert.equal(play.clock.pending, 1, 'nothing is sampled')
  })

  it('S1.9 is over 90 % of processor or memory, until 80 %, and five seconds more', () => {
    const play = new Play(DEFAULT)
    ;[play.cpu, play.memory] = [0.89, 0.89]
    assert.equal(play.seconds(4), 'ready ready ready ready')
    play.memory = 0.95
    assert.equal(play.seconds(4).split(' ').at(-1), 'memory')
    ;[play.cpu, play.memory] = [0.95, 0.85]
    assert.equal(play.seconds(4).split(' ').at(-1), 'memory+cpu')
    ;[play.cpu, play.memory] = [0.85, 0.1]
    assert.equal(play.seconds(4).split(' ').at(-1), 'cpu')
    play.cpu = 0.1
    const words = play.seconds(12).split(' ')
    assert.equal(words.filter((word) => word === 'settling').length, 5)
    assert.equal(words.at(-1), 'ready')
  })

  it('S1.9 is shedding after ten seconds of it, and never on trial', () => {
    const play = new Play(DEFAULT)
    assert.equal(play.seconds(30, 91, 9).split(' ').at(-1), 'ready')
    const words = play.seconds(20, 80, 20).split(' ')
    assert.deepEqual([words.indexOf('shedding'), words.at(-1)], [9, 'shedding'])
    assert.equal(play.seconds(6, 80), 'settling settling settling settling settling ready')
    const trial = new Play(`${DEFAULT}\ndryRun: true`)
    assert.equal(trial.seconds(30, 0, 100).split(' ').at(-1), 'ready')
  })

  it('goes on as it is under a plan that says the same, and begins anew under another', () => {
    const play = new Play(DEFAULT)
    play.seconds(15, 0, 10)
    play.load.follow(planOf(`${DEFAULT}\nrefusals: problem`))
    assert.equal(play.seconds(1, 0, 10), 'shedding')
    play.load.follow(planOf('listen: { readiness: { sheddingFor: 2s } }'))
    assert.equal(play.seconds(2, 0, 10), 'ready shedding')
    play.load.follow(planOf(''))
    assert.equal(play.seconds(2, 0, 10), 'ready ready')
  })

  it('looks at nothing once it has stopped', () => {
    const play = new Play(DEFAULT)
    play.seconds(1)
    play.load.stop()
    assert.equal(play.clock.pending, 0)
  })
})

describe('listen.readiness', () => {
  it('S1.9 is off where nothing is said, and has defaults where it is switched on', () => {
    assert.equal(planOf('').listen.readiness, undefined)
    const standard = { above: 0.9, until: 0.8, sheddingAbove: 0.1, sheddingFor: 10_000, settle: 5000 }
    assert.deepEqual(planOf(DEFAULT).listen.readiness, standard)
    const low = planOf('listen: { readiness: { above: 5 } }').listen.readiness
    assert.deepEqual([low?.above, low?.until], [0.05, 0])
  })

  it('is said in the table of the plan', () => {
    assert.match(tableOf(planOf('')), /^ {2}readiness +whatever the load$/m)
    assert.match(
      tableOf(planOf(DEFAULT)),
      /^ {2}readiness +by load +fails with processor or memory above 90 % until 80 %, with more than 10 % refused for 10s; back after 5s$/m,
    )
  })

  it('says what does not fit, with its place', () => {
    const wrong = (text: string, says: RegExp): void => assert.throws(() => planOf(text), says)
    wrong(
      'listen: { readiness: { above: 50, until: 60 } }',
      /c\.yaml:1:35: listen\.readiness\.until: expected at most above, which is 50, got 60/,
    )
    wrong('listen: { readiness: { above: 101 } }', /listen\.readiness\.above: expected a number from 0 to 100/)
    wrong(
      'listen: { readiness: { cpu: 1 } }',
      /listen\.readiness\.cpu: expected one of above, until, sheddingAbove, sheddingFor, settle, got/,
    )
  })
})
