import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Verdict } from 'sluice'
import { admitted, alone, Breakers, type Rule } from './shared-breaker-rig.ts'

const RULE: Rule = { failures: 5, openFor: 1000, probes: 1 }

/** Four workers whose breaker has opened. */
function opened(rule: Rule = RULE): Breakers {
  const workers = new Breakers(4, rule)
  for (let at = 0; at < rule.failures; at++) workers.ends(at % 4, 'failure')
  workers.clock.advance(30)
  assert.deepEqual(workers.states, ['open', 'open', 'open', 'open'])
  return workers
}

const codes = (verdicts: readonly Verdict[]): readonly string[] =>
  verdicts.map((verdict) => (verdict.admitted ? 'in' : verdict.code))

describe('a breaker that workers share', () => {
  it('S1.8 what fails in any of them counts in all: each alone would go on', () => {
    const workers = opened()
    assert.deepEqual(codes(workers.ask(0, 1, 2, 3)), Array(4).fill('breaker_open'))
    const own = alone(4, RULE)
    for (let at = 0; at < 5; at++) {
      const verdict = own[at % 4]!.tryEnter()
      if (verdict.admitted) verdict.release('failure')
    }
    assert.deepEqual(codes(own.map((gate) => gate.tryEnter())), Array(4).fill('in'))
  })

  it('S1.8 a success anywhere begins the count anew, where it happened and not where it was told', () => {
    const workers = new Breakers(2, RULE)
    for (let at = 0; at < 4; at++) workers.ends(0, 'failure')
    workers.ends(1, 'success')
    for (let at = 0; at < 4; at++) workers.ends(0, 'failure')
    workers.clock.advance(50)
    assert.deepEqual(workers.states, ['closed', 'closed'])
    // Who left says nothing.
    workers.ends(1, 'ignored')
    workers.ends(1, 'dropped')
    workers.clock.advance(50)
    assert.deepEqual(workers.states, ['open', 'open'])
  })

  it('S1.8 open, all say when it is over', () => {
    const workers = opened()
    const [verdict] = workers.ask(2)
    assert.ok(verdict?.admitted === false && verdict.retryAfter! > 940 && verdict.retryAfter! < 1000)
  })

  for (const probes of [1, 3])
    it(`S1.8 when one may try again ${probes} of all are let in, and when all of those were well everybody`, () => {
      const workers = opened({ ...RULE, probes })
      workers.clock.advance(1000)
      const permits = []
      for (let round = 0; round < 6; round++) permits.push(...admitted(workers.ask(0, 0, 1, 1, 2, 3)))
      assert.equal(permits.length, probes)
      assert.deepEqual(workers.states, Array(4).fill('half-open'))
      const { asked } = workers
      workers.ask(0, 1, 2, 3)
      assert.equal(workers.asked, asked, 'nobody asks for a place where all are taken')
      for (const [at, permit] of permits.entries()) {
        assert.deepEqual([at, new Set(workers.states)], [at, new Set(['half-open'])])
        permit.release('success')
        workers.clock.advance(20)
      }
      assert.deepEqual(workers.states, Array(4).fill('closed'))
      assert.deepEqual(codes(workers.ask(0, 1, 2, 3)), Array(4).fill('in'))
    })

  it('S1.8 a probe that fails opens it to all for the whole time', () => {
    const workers = opened()
    workers.clock.advance(1000)
    const [permit] = admitted(workers.ask(0, 1, 2, 3))
    permit!.release('failure')
    workers.clock.advance(20)
    assert.deepEqual(workers.states, Array(4).fill('open'))
    workers.clock.advance(900)
    assert.deepEqual(codes(workers.ask(0, 1, 2, 3)), Array(4).fill('breaker_open'))
    workers.clock.advance(80)
    assert.equal(admitted(workers.ask(3, 2, 1, 0)).length, 1)
  })

  it('S1.8 a probe that says nothing, or ends with its worker, leaves its place to another', () => {
    const workers = opened()
    workers.clock.advance(1000)
    const [permit] = admitted(workers.ask(0, 1))
    permit!.release('ignored')
    workers.clock.advance(20)
    assert.equal(admitted(workers.ask(1)).length, 1)
    assert.equal(admitted(workers.ask(2)).length, 0)
    workers.shared.gone('1')
    workers.clock.advance(20)
    assert.equal(admitted(workers.ask(2)).length, 1)
    // And one that never comes back, after the usual time.
    assert.equal(admitted(workers.ask(3)).length, 0)
    workers.clock.advance(1000)
    assert.equal(admitted(workers.ask(3)).length, 1)
  })

  it('S1.8 one that follows a worker finds it open', () => {
    const workers = opened()
    workers.join()
    assert.deepEqual(codes(workers.ask(4)), ['breaker_open'])
    assert.equal(workers.gates[4]!.pressure.value.level, 2)
  })

  it('S1.8 what began before it opened says nothing when it is closed again', () => {
    const workers = new Breakers(2, { ...RULE, failures: 1 })
    const late = workers.gates[1]!.tryEnter()
    workers.ends(0, 'failure')
    workers.clock.advance(1030)
    admitted(workers.ask(0))[0]!.release('success')
    workers.clock.advance(20)
    assert.ok(late.admitted)
    late.release('failure')
    // And what is told only now, by one that was stopped meanwhile.
    workers.shared.hear('1', { events: Float64Array.of(1005, 1), era: 1, leaves: false })
    workers.clock.advance(30)
    assert.deepEqual(workers.states, ['closed', 'closed'])
  })

  it('S1.8 nobody waits long for a first process that does nothing, and what it then grants goes to another', () => {
    const workers = opened()
    workers.clock.advance(1000)
    workers.still()
    const told: Verdict[] = []
    const waiting = workers.gates[0]!.enter({}, (verdict) => told.push(verdict))
    workers.clock.advance(99)
    assert.deepEqual(codes(workers.gates.map((gate) => gate.tryEnter())), Array(4).fill('breaker_open'))
    assert.equal(told.length, 0)
    workers.clock.advance(1)
    assert.deepEqual(codes(told), ['breaker_open'])
    waiting?.cancel()
    workers.gates[1]!.enter({}, (verdict) => told.push(verdict))?.cancel()
    assert.deepEqual(codes(told), ['breaker_open', 'cancelled'])
    workers.wake()
    workers.clock.advance(20)
    assert.equal(admitted(workers.ask(2)).length, 1)
  })

  it('S1.8 closed down it lets in nobody, and is no member any more', () => {
    const workers = opened()
    workers.clock.advance(1000)
    const told: Verdict[] = []
    workers.gates[0]!.enter({}, (verdict) => told.push(verdict))
    workers.parts[0]!.close()
    assert.deepEqual(codes([...told, ...workers.ask(0)]), ['closed', 'closed'])
    assert.deepEqual(workers.shared.members, ['1', '2', '3'])
    // The place it asked for is not lost with it.
    assert.equal(admitted(workers.ask(1)).length, 1)
  })
})
