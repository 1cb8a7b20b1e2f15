import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { Server } from 'node:http'
import { describe, it } from 'node:test'
import { VirtualClock } from 'sluice/sim'
import { keepPace, type Pace } from '../../src/proxy/index.ts'

/** A connection of which a test says what moved. */
class Line extends EventEmitter {
  bytesRead = 0
  bytesWritten = 0
  writableLength = 0
  destroyed = false

  destroy(): void {
    this.destroyed = true
    this.emit('close')
  }
}

function rig(crowded = false, pace = (): Pace => ({ bytes: 1000, over: 10_000 })) {
  const clock = new VirtualClock()
  const server = new EventEmitter()
  keepPace(server as Server, { crowded: () => crowded, clock, pace })
  const line = new Line()
  server.emit('connection', line)
  const req = { socket: line, complete: false, readableFlowing: true as boolean | null, readableLength: 0 }
  return { clock, line, req, ask: () => void server.emit('request', req, {}) }
}

const looks = (clock: VirtualClock, seconds: number): void => {
  for (let i = 0; i < seconds; i++) clock.advance(1000)
}

describe('the pace of clients', () => {
  it('a body that does not come is the end of its connection, after 11 s at the latest', () => {
    const { clock, line, ask } = rig()
    ask()
    looks(clock, 9)
    assert.equal(line.destroyed, false)
    looks(clock, 1)
    assert.equal(line.destroyed, true)
  })

  it('so is one of 50 bytes a second; one of 150 may take as long as it likes', () => {
    for (const [rate, isClosed] of [
      [50, true],
      [150, false],
    ] as const) {
      const { clock, line, ask } = rig()
      ask()
      for (let i = 0; i < 120; i++) {
        line.bytesRead += rate
        looks(clock, 1)
      }
      assert.equal(line.destroyed, isClosed, `${rate}`)
    }
  })

  it('is what the configuration says now', () => {
    let pace: Pace = { bytes: 10, over: 3000 }
    const { clock, line, ask } = rig(false, () => pace)
    ask()
    for (let i = 0; i < 20; i++) {
      line.bytesRead += 10
      looks(clock, 1)
    }
    assert.equal(line.destroyed, false)
    looks(clock, 2)
    assert.equal(line.destroyed, false)
    // Nothing need move any more …
    pace = { bytes: 0, over: 3000 }
    looks(clock, 60)
    assert.equal(line.destroyed, false)
    // … and then again more than does.
    pace = { bytes: 1000, over: 2000 }
    looks(clock, 2)
    assert.equal(line.destroyed, true)
  })

  it('nobody is late with a body that is not read yet, is held back, has come, or with none', () => {
    for (const more of [
      { readableFlowing: null },
      { readableFlowing: false },
      { readableLength: 1 },
      { complete: true },
    ]) {
      const { clock, line, req, ask } = rig()
      Object.assign(req, more)
      ask()
      looks(clock, 60)
      assert.equal(line.destroyed, false, JSON.stringify(more))
    }
    const idle = rig()
    looks(idle.clock, 60)
    assert.equal(idle.line.destroyed, false)
  })

  it('an answer that is not read ends where others want the place, and only there', () => {
    for (const crowded of [true, false]) {
      const { clock, line } = rig(crowded)
      line.writableLength = 65_536
      line.bytesWritten = 65_536
      looks(clock, 11)
      assert.equal(line.destroyed, crowded)
    }
  })

  it('an answer that is read at 150 bytes a second, or is all with the kernel, goes on', () => {
    const { clock, line } = rig(true)
    line.writableLength = 65_536
    line.bytesWritten = 65_536
    for (let i = 0; i < 60; i++) {
      line.writableLength -= 150
      looks(clock, 1)
    }
    line.writableLength = 0
    looks(clock, 60)
    assert.equal(line.destroyed, false)
  })

  it('watches nothing and waits for nothing once all have gone', () => {
    const { clock, line } = rig()
    line.destroy()
    looks(clock, 2)
    assert.equal(clock.pending, 0)
  })
})
