import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Metadata } from '@grpc/grpc-js'
import { previousAttempts, pushbackOf } from '../../src/grpc/index.ts'
import { Holds } from '../../src/grpc/pushback.ts'
import { VirtualClock } from '../../src/sim/index.ts'

function told(name: string, value: string): Metadata {
  const metadata = new Metadata()
  metadata.set(name, value)
  return metadata
}

describe('pushbackOf', () => {
  it('reads ms, and takes what cannot be read as never, as gRFC A6 has it', () => {
    assert.equal(pushbackOf(new Metadata()), undefined)
    for (const [value, pushback] of [
      ['0', 0],
      ['250', 250],
      ['-1', 'never'],
      ['', 'never'],
      ['soon', 'never'],
      ['1e9', 'never'],
      ['99999999999', 'never'],
    ] as const)
      assert.equal(pushbackOf(told('grpc-retry-pushback-ms', value)), pushback, value)
  })
})

describe('previousAttempts', () => {
  it('reads a whole number, and takes anything else as none', () => {
    assert.equal(previousAttempts(new Metadata()), 0)
    for (const [value, attempts] of [
      ['0', 0],
      ['3', 3],
      ['-1', 0],
      ['1.5', 0],
      ['9999999', 0],
      ['x', 0],
    ] as const)
      assert.equal(previousAttempts(told('grpc-previous-rpc-attempts', value)), attempts, value)
  })
})

describe('Holds', () => {
  it('holds a target until then, the later word counts, and nobody else', () => {
    const clock = new VirtualClock()
    const holds = new Holds(clock, 1000)
    holds.note('a', 300)
    holds.note('a', 100)
    assert.deepEqual([holds.left('a'), holds.left('b')], [300, 0])
    clock.advance(299)
    assert.equal(holds.left('a'), 1)
    clock.advance(1)
    assert.equal(holds.left('a'), 0)
  })

  it('no longer than the longest', () => {
    const holds = new Holds(new VirtualClock(), 1000)
    holds.note('a', 1e9)
    assert.equal(holds.left('a'), 1000)
  })

  it('forgets whoever was told first beyond 1,024 targets', () => {
    const holds = new Holds(new VirtualClock(), 1000)
    for (let target = 0; target < 1025; target++) holds.note(String(target), 500)
    assert.deepEqual([holds.left('0'), holds.left('1'), holds.left('1024')], [0, 500, 500])
  })
})
