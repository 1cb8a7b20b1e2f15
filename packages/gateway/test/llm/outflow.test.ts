import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { systemClock } from 'sluice'
import { Answer } from '../../src/llm/answer.ts'
import { Outflow } from '../../src/llm/outflow.ts'

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** An answer whose connection notes each piece it is given, and whether several came at once. */
function noted(headers: Record<string, string>): { out: Outflow; pieces: string[]; res: ServerResponse } {
  const pieces: string[] = []
  const socket = new Socket()
  socket._write = (piece: Buffer | string, _encoding, done): void => {
    pieces.push(String(piece))
    done()
  }
  socket._writev = (all: { chunk: Buffer | string }[], done): void => {
    pieces.push(all.map(({ chunk }) => String(chunk)).join('|'))
    done()
  }
  const req = new IncomingMessage(socket)
  req.httpVersionMajor = 1
  req.httpVersionMinor = 1
  const res = new ServerResponse(req)
  res.sendDate = false
  res.assignSocket(socket)
  res.writeHead(200, headers)
  const inflow = { pause: (): void => {}, resume: (): void => {}, stalled: (): void => {} }
  return { out: new Outflow(res, { policy: 'wait', bytes: 1, stall: 1000 }, systemClock, inflow), pieces, res }
}

describe('S2.4 what flows out', () => {
  it('S2.4 a stream is one however its type is written', () => {
    const { res } = noted({})
    const inflow = { pause: (): void => {}, resume: (): void => {}, stalled: (): void => {} }
    const reader = { policy: 'wait', bytes: 1, stall: 1000 } as const
    for (const type of ['text/event-stream', 'Text/Event-Stream; charset=UTF-8']) {
      const answer = new Answer({
        res,
        raw: ['Content-Type', type],
        reader,
        clock: systemClock,
        inflow,
        hidesUsage: false,
      })
      assert.equal(answer.isStream, true, type)
    }
  })

  it('S2.4 an answer that came in one piece goes out in one, head and all', async () => {
    const { out, pieces, res } = noted({ 'content-length': '5' })
    out.write(Buffer.from('h\u00e9ll'))
    assert.equal(res.writableLength, 0, 'held')
    out.end()
    await tick()
    assert.equal(pieces.length, 1)
    assert.match(pieces[0]!, /^HTTP\/1\.1 200 OK\r\n[^|]*\r\n\r\nh[^|]*$/)
    assert.ok(res.writableEnded)
  })

  it('S2.4 a head alone, and what comes after it, waits for nothing', async () => {
    const { out, pieces } = noted({ 'content-type': 'text/event-stream' })
    out.begin()
    await tick()
    assert.match(pieces.join(''), /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s)
    out.write(Buffer.from('data: 1\n\n'))
    await tick()
    assert.match(pieces.at(-1)!, /data: 1/)
    out.end()
    await tick()
    assert.match(pieces.at(-1)!, /0\r\n\r\n$/)
  })

  it('S2.4 a first piece goes out before the second', async () => {
    const { out, pieces } = noted({ 'content-type': 'text/event-stream' })
    out.write(Buffer.from('first'))
    out.write(Buffer.from('second'))
    out.end()
    await tick()
    assert.match(pieces.join(''), /first.*second.*0\r\n\r\n$/s)
  })
})
