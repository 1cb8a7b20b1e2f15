import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { Server } from 'node:http'
import { describe, it } from 'node:test'
import { VirtualClock } from 'sluice/sim'
import { keepPace } from '../../src/proxy/index.ts'

/** A stream of which a test says what moved; its connection is never seen. */
function rig({ crowded = false, major = 2, type = 'text/plain' } = {}) {
  const clock = new VirtualClock()
  const server = new EventEmitter()
  keepPace(server as Server, { crowded: () => crowded, clock, pace: () => ({ bytes: 1000, over: 10_000 }) })
  const line = Object.assign(new EventEmitter(), {
    bytesRead: 0,
    bytesWritten: 0,
    writableLength: 0,
    destroyed: false,
    destroy: () => void (line.destroyed = true),
  })
  const headers = { 'content-type': type }
  const req = {
    httpVersionMajor: major,
    headers,
    socket: line,
    complete: false,
    readableFlowing: true,
    readableLength: 0,
  }
  const res = { headersSent: false }
  server.emit('request', req, res)
  const seconds = (count: number, each?: () => void): void => {
    for (let i = 0; i < count; i++) {
      each?.()
      clock.advance(1000)
    }
  }
  return { line, req, res, seconds }
}

describe('the pace of streams of HTTP/2', () => {
  it('is looked at for each by itself, from its request on', () => {
    const slow = rig()
    slow.seconds(9)
    assert.equal(slow.line.destroyed, false)
    slow.seconds(1)
    assert.equal(slow.line.destroyed, true)
    const quick = rig()
    quick.seconds(60, () => (quick.line.bytesRead += 150))
    assert.equal(quick.line.destroyed, false)
    // Of HTTP/1.1 the connection is told of, or there is nothing to look at.
    const other = rig({ major: 1 })
    other.seconds(60)
    assert.equal(other.line.destroyed, false)
  })

  it('a reader has six times as long, because what it takes shows late', () => {
    for (const [every, isClosed] of [
      [20, false],
      [100, true],
    ] as const) {
      const { line, req, seconds } = rig({ crowded: true })
      req.complete = true
      line.bytesWritten = line.writableLength = 65_536
      let at = 0
      seconds(90, () => {
        if (++at % every === 0) line.bytesWritten += 65_536
      })
      assert.equal(line.destroyed, isClosed, `${every}`)
    }
  })

  it('a call of gRPC has it until it is being answered, and a conversation after that', () => {
    for (const [type, isAnswered, isClosed] of [
      ['application/grpc', false, true],
      ['application/grpc+proto', true, false],
      ['application/grpc-web', true, true],
      ['text/plain', true, true],
    ] as const) {
      const { line, res, seconds } = rig({ type })
      res.headersSent = isAnswered
      seconds(60)
      assert.equal(line.destroyed, isClosed, type)
    }
  })

  it('what has ended is looked at no longer', () => {
    const { line, seconds } = rig()
    line.emit('close')
    seconds(60)
    assert.equal(line.destroyed, false)
  })
})
