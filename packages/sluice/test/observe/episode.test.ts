import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Episode } from '../../src/observe/episode.ts'

/** What changed at each of the values, one a second. */
function changes(episode: Episode, values: readonly number[]): string[] {
  return values.map((value, second) => episode.take(value, 1e6 + second * 1000) ?? '')
}

describe('Episode', () => {
  it('S1.9 does not flap between the two figures', () => {
    const wavering = [91, 89, 91, 85, 91, 81, 95]
    assert.deepEqual(changes(new Episode({ above: 90, below: 80 }), wavering), ['began', '', '', '', '', '', ''])
    // The control: with one figure for both it does.
    const flapping = changes(new Episode({ above: 90 }), wavering)
    assert.deepEqual(flapping, ['began', 'ended', 'began', 'ended', 'began', 'ended', 'began'])
  })

  it('begins above the one figure and ends at the other', () => {
    assert.deepEqual(changes(new Episode({ above: 90, below: 80 }), [90, 91, 81, 80, 90, 91]), [
      '',
      'began',
      '',
      'ended',
      '',
      'began',
    ])
  })

  it('begins only after a time without a break', () => {
    const episode = new Episode({ above: 1, for: 2000 })
    assert.deepEqual(changes(episode, [2, 2, 1, 2, 2, 2, 2]), ['', '', '', '', '', 'began', ''])
    assert.equal(episode.on, true)
  })

  it('takes what is no number for calm', () => {
    const episode = new Episode({ above: 1 })
    assert.deepEqual(changes(episode, [Number.NaN, 2, Number.NaN]), ['', 'began', 'ended'])
  })

  it('refuses figures the wrong way round', () => {
    assert.throws(() => new Episode({ above: 1, below: 2 }), /below: expected at most 1 \(above\), got 2/)
    assert.throws(() => new Episode({ above: Number.NaN }), RangeError)
    assert.throws(() => new Episode({ above: 1, for: -1 }), /for: expected at least 0 ms, got -1/)
  })
})
