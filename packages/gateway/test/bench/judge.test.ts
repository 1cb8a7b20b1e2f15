import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Millis } from 'sluice'
import { judge } from '../../src/bench/judge.ts'
import { scenario, type ScenarioName } from '../../src/bench/scenario.ts'
import { Tape } from '../../src/bench/tape.ts'
import type { Fate } from '../../src/load/index.ts'

const LENGTH: Millis = 12_000

/** What a request came to at a time. */
type Story = (at: Millis, index: number) => Partial<Fate>

/** A run that was told rather than made: a hundred fates a second. */
function told(name: ScenarioName, story: Story, crashed?: string): Readonly<Record<string, boolean>> {
  const script = scenario(name, LENGTH)
  const tape = new Tape(50)
  for (let index = 0; index < script.duration / 10; index++) {
    const at = index * 10
    tape.fates.push({
      kind: 'served',
      latency: 52,
      waited: undefined,
      reason: undefined,
      explained: true,
      at,
      ...story(at, index),
    })
  }
  return Object.fromEntries(judge({ scenario: script, tape, crashed }).map((check) => [check.name, check.passed]))
}

function failures(name: ScenarioName, story: Story, crashed?: string): readonly string[] {
  const checks = told(name, story, crashed)
  return Object.keys(checks).filter((each) => checks[each] === false)
}

const refused: Partial<Fate> = { kind: 'rejected', reason: 'QUEUE_FULL', latency: 1 }
/** So many of a hundred. */
const share = (percent: number, these: Partial<Fate>, others: Partial<Fate> = {}): Story => {
  return (_at, index) => ((index * 37) % 100 < percent ? these : others)
}

describe('judge', () => {
  it('S3.11 normal: nobody refused, wait below 10 ms, p95 below 100 ms', () => {
    assert.deepEqual(
      failures('normal', () => ({})),
      [],
    )
    assert.deepEqual(failures('normal', share(1, refused)), ['nobody is refused'])
    assert.deepEqual(
      failures('normal', () => ({ latency: 61 })),
      ['hardly any wait'],
    )
    assert.deepEqual(failures('normal', share(6, { latency: 130 })), ['answers are quick'])
    assert.deepEqual(failures('normal', share(1, { kind: 'failed', reason: 'status 500' })), ['nothing breaks'])
    assert.deepEqual(
      failures('normal', () => ({}), 'the upstream ended'),
      ['nothing breaks'],
    )
  })

  it('S3.11 threshold: below 5 % refused, waits of 100 to 500 ms, no crash', () => {
    const waits = (waited: Millis): Partial<Fate> => ({ waited, latency: waited + 52 })
    assert.deepEqual(failures('threshold', share(4, refused, waits(200))), [])
    assert.deepEqual(failures('threshold', share(6, refused, waits(200))), ['few are refused'])
    const bounded = ['waits are felt, and bounded']
    assert.deepEqual(
      failures('threshold', () => ({})),
      bounded,
    )
    assert.deepEqual(
      failures('threshold', () => waits(510)),
      bounded,
    )
    assert.deepEqual(failures('threshold', share(6, waits(600), waits(200))), bounded)
    assert.deepEqual(failures('threshold', share(1, { kind: 'error', reason: 'ECONNRESET' }, waits(200))), [
      'nothing breaks',
    ])
    assert.deepEqual(
      failures('threshold', () => waits(200), 'the gateway ended'),
      ['nothing breaks'],
    )
  })

  it('S3.11 overload: 30 to 50 % refused and told why, the others answered normally', () => {
    const waits: Partial<Fate> = { waited: 300, latency: 355 }
    assert.deepEqual(failures('overload', share(40, refused, waits)), [])
    assert.deepEqual(failures('overload', share(28, refused, waits)), ['what is too much is refused'])
    assert.deepEqual(failures('overload', share(52, refused, waits)), ['what is too much is refused'])
    assert.deepEqual(failures('overload', share(40, { ...refused, explained: false }, waits)), ['refusals say why'])
    const normally = ['who is let in is answered normally']
    assert.deepEqual(failures('overload', share(40, refused, { latency: 355 })), normally)
    assert.deepEqual(failures('overload', share(40, refused, { waited: 300, latency: 420 })), normally)
    const impatient: Partial<Fate> = { kind: 'timeout', reason: 'timeout', latency: 2000 }
    assert.ok(failures('overload', share(40, impatient, waits)).includes('nothing breaks'))
  })

  it('S3.11 spike: refusals rise, the queue is worked off, recovery by itself', () => {
    // 0 to 4 s the rise, to 6 s the top, then calm.
    const spike =
      (top: Partial<Fate>, after: Story = () => ({})): Story =>
      (at, index) =>
        at < 2000 ? {} : at < 6000 ? (index % 2 === 0 ? top : {}) : after(at, index)
    assert.deepEqual(failures('spike', spike(refused)), [])
    assert.deepEqual(failures('spike', spike({})), ['refusals rise with the crowd'])
    assert.deepEqual(failures('spike', () => refused).includes('refusals rise with the crowd'), true)
    const lingers = (until: Millis): Story => spike(refused, (at) => (at < until ? { waited: 400, latency: 450 } : {}))
    assert.deepEqual(failures('spike', lingers(8900)), [])
    assert.deepEqual(failures('spike', lingers(9200)), ['the queue is worked off'])
    const recovery = ['it recovers by itself']
    assert.deepEqual(failures('spike', spike(refused, share(1, refused))), recovery)
    assert.deepEqual(failures('spike', spike(refused, share(7, { latency: 120, waited: 60 }))), recovery)
    assert.deepEqual(failures('spike', spike(refused), 'the gateway ended'), ['nothing breaks'])
  })

  it('fails where nothing came at all', () => {
    for (const name of ['normal', 'threshold', 'overload', 'spike'] as const) {
      const script = scenario(name, LENGTH)
      const checks = judge({ scenario: script, tape: new Tape(50), crashed: undefined })
      assert.ok(checks.some(({ passed }) => !passed))
      assert.ok(checks.every(({ detail }) => !detail.includes('NaN')))
    }
  })
})
