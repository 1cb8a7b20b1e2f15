import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Command } from 'commander'
import { inWords } from '../../src/config/index.ts'
import { duration, durationArgument } from '../../src/cli/duration.ts'

describe('duration', () => {
  it('reads a number with its unit', () => {
    for (const [text, value] of [
      ['500ms', 500],
      ['20s', 20_000],
      ['1m', 60_000],
      ['1.5m', 90_000],
      ['2h', 7_200_000],
      [' 0s ', 0],
    ] as const)
      assert.equal(duration(text), value, text)
  })

  it('says what is wrong and what would be right', () => {
    for (const text of ['', '20', 's', '-1s', '1e3s', '20 s', '20sec', '1d', '٣s', 'Infinitys'])
      assert.throws(() => duration(text), /is not a duration; write a number and ms, s, m or h, like 20s/, text)
  })

  it('holds to its bounds', () => {
    assert.equal(duration('10s', { min: 10_000, max: 60_000 }), 10_000)
    assert.equal(duration('1m', { min: 10_000, max: 60_000 }), 60_000)
    assert.throws(() => duration('9s', { min: 10_000 }), /^RangeError: 9s is too short; the least is 10s$/)
    assert.throws(() => duration('2h', { max: 3_600_000 }), /^RangeError: 2h is too long; the most is 1h$/)
  })

  it('as an argument of a command, is bad usage: one line, exit 2', () => {
    let written = ''
    const program = new Command('x')
      .exitOverride()
      .configureOutput({ writeErr: (text) => (written += text) })
      .option('--for <duration>', '', durationArgument({ min: 10_000 }))
    assert.throws(() => program.parse(['node', 'x', '--for', '3s']), { exitCode: 2 })
    assert.equal(
      written,
      "error: option '--for <duration>' argument '3s' is invalid. 3s is too short; the least is 10s\n",
    )
    assert.equal(program.parse(['node', 'x', '--for', '12s']).opts()['for'], 12_000)
  })
})

describe('inWords', () => {
  it('uses the largest unit that divides it', () => {
    assert.deepEqual([0, 1, 1500, 10_000, 90_000, 120_000, 7_200_000].map(inWords), [
      '0ms',
      '1ms',
      '1500ms',
      '10s',
      '90s',
      '2m',
      '2h',
    ])
  })
})
