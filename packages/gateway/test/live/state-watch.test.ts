import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { VirtualClock } from 'sluice/sim'
import { StateWatch, type StateWord } from '../../src/live/index.ts'

/** What is said while the state is each of these for a second. */
function said(states: readonly StateWord[]): readonly string[] {
  const clock = new VirtualClock()
  const log: string[] = []
  let now: StateWord = 'ok'
  const watch = new StateWatch({
    state: () => ({ state: now, because: 'So it is.' }),
    say: (line) => log.push(`${clock.now() / 1000}: ${line}`),
    clock,
  })
  watch.start()
  for (const state of states) {
    now = state
    clock.advance(1000)
  }
  watch.stop()
  clock.advance(60_000)
  return log
}

const times = (count: number, ...states: StateWord[]): StateWord[] => Array.from({ length: count }, () => states).flat()

describe('the state in the log', () => {
  it('S1.14 says trouble at once, and that it is over when it has been so for ten seconds', () => {
    assert.deepEqual(said([...times(3, 'ok'), ...times(5, 'shedding'), ...times(20, 'ok')]), [
      '4: state: shedding. So it is.',
      '19: state: ok. So it is.',
    ])
  })

  it('is one line, not two hundred, where it swings to and fro', () => {
    assert.deepEqual(said(times(100, 'shedding', 'ok')), ['1: state: shedding. So it is.'])
    assert.deepEqual(said(times(100, 'shedding', 'upstream-failing')), ['1: state: shedding. So it is.'])
  })

  it('says when one trouble has become another', () => {
    assert.deepEqual(said([...times(2, 'shedding'), ...times(12, 'store-degraded')]), [
      '1: state: shedding. So it is.',
      '13: state: store-degraded. So it is.',
    ])
  })

  it('says nothing of a queue, a start and an end', () => {
    assert.deepEqual(said(times(20, 'starting', 'ok', 'queueing', 'draining')), [])
  })
})
