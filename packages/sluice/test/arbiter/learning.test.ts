import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Learning } from '../../src/arbiter/learning.ts'
import { Place } from '../../src/arbiter/place.ts'
import { Roster } from '../../src/arbiter/roster.ts'
import { VirtualClock } from '../../src/sim/index.ts'

const alive = { pid: process.pid, id: 'alive' }
const dead = { pid: spawnSync(process.execPath, ['-e', '']).pid, id: 'dead' }

describe('how long an arbiter that follows another listens', () => {
  /** Passes time until it is over, in ms. */
  function length(clock: VirtualClock, learning: Learning, most = 10_000): number {
    let passed = 0
    for (; passed < most && learning.rest() > 0; passed++) clock.advance(1)
    return passed
  }

  it('S3.5 for its window where nobody is missing, or who is missing is dead; not at all where it follows nobody', () => {
    const clock = new VirtualClock(7)
    assert.equal(length(clock, new Learning(clock, 300, [])), 300)
    assert.equal(length(clock, new Learning(clock, 300, [dead])), 300)
    assert.equal(length(clock, new Learning(clock, 0, [alive])), 0)
  })

  it('S3.5 longer, but not for ever, for one that lives and may hold something', () => {
    const clock = new VirtualClock(7)
    assert.equal(length(clock, new Learning(clock, 300, [alive, dead])), 2000)
    const learning = new Learning(clock, 300, [alive])
    assert.equal(length(clock, learning, 700), 700)
    learning.heard('alive')
    learning.heard('alive')
    assert.equal(length(clock, learning), 100)
    learning.heard('stranger')
    assert.equal(learning.rest(), 0)
  })
})

describe('who may hold something', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-roster-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('S3.5 is written down for whoever comes next, who hears of the living only', () => {
    const place = new Place(join(folder, 'a'), 'a')
    const first = new Roster(place, 3, [alive])
    first.add(dead)
    first.add(dead)
    const second = new Roster(place, 4, [])
    second.add({ ...alive, id: 'other' })
    second.add({ ...alive, id: 'gone' })
    second.remove(['gone', 'never there'])
    assert.equal(readFileSync(join(place.folder, 'a.4.who'), 'utf8'), `${process.pid} other\n`)
    assert.deepEqual(Roster.before(place, 4), [alive])
    assert.deepEqual(
      Roster.before(place, 5).map(({ id }) => id),
      ['alive', 'other'],
    )
    assert.equal(place.top, 0, 'a list is no socket')
    Roster.tidy(place, 4)
    assert.deepEqual(readdirSync(place.folder), ['a.4.who'])
  })
})
