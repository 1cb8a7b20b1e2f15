import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import { HELLO, withDoor } from './llm-gateway-rig.ts'
import { connect, until, type Client } from './proxy-rig.ts'

const BODY = JSON.stringify({ ...HELLO, stream: true })
const ASK = `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`
const READERS = 8
const EVENT = `data: {"choices":[{"delta":{"content":"${'a'.repeat(15_900)}"}}]}\n\n`

/** A model that says so many MB, as fast as it is read. */
function flood(megabytes: number): { readonly listener: RequestListener; readonly aborted: () => number } {
  let aborted = 0
  const listener: RequestListener = (req, res) => {
    req.resume()
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    let left = (megabytes * 2 ** 20) / EVENT.length
    const say = (): void => {
      while (left-- > 0) if (!res.write(EVENT)) return
      res.end('data: [DONE]\n\n')
    }
    res.on('drain', say).on('close', () => (aborted += res.writableFinished ? 0 : 1))
    say()
  }
  return { listener, aborted: () => aborted }
}

async function reader(port: number): Promise<Client> {
  const client = await connect(port)
  client.socket.pause()
  client.send(ASK)
  return client
}

describe('S2.4 readers that do not read', () => {
  it('hold little, do not stop the others, and are cut off with the generation behind them', async () => {
    const { listener, aborted } = flood(100)
    const yaml = 'slowReader: { stall: 700ms }'
    await withDoor({ yaml, listener }, async (rig) => {
      const clients = await Promise.all(Array.from({ length: READERS }, () => reader(rig.port)))
      await until('all to be answered', () => rig.door.counts.admitted === READERS)
      const quick = await connect(rig.port)
      quick.send(ASK)
      await until('tokens for one beside them', () => quick.received().length > 100_000)
      quick.leave()
      await until('all to be cut off', () => rig.door.counts.stalled === READERS, 10_000)
      await until('their generations to be ended', () => aborted() === READERS + 1)
      assert.deepEqual([rig.door.line.status.inflight, rig.door.line.status.tokens], [0, 0])
      for (const client of clients) client.leave()
    })
  })

  it('policy disconnect: cut off as soon as so much is waiting', async () => {
    const { listener, aborted } = flood(100)
    const yaml = 'slowReader: { policy: disconnect, bytes: 100KiB, stall: 1h }'
    await withDoor({ yaml, listener }, async (rig) => {
      const client = await reader(rig.port)
      await until('it to be cut off', () => rig.door.counts.stalled === 1)
      await until('its generation to be ended', () => aborted() === 1)
      client.socket.resume()
      await until('it to be closed', () => client.closed)
      assert.ok(!client.received().includes('[DONE]'))
    })
  })

  it('one that reads slowly gets everything', async () => {
    const { listener, aborted } = flood(12)
    await withDoor({ yaml: 'slowReader: { stall: 1s }', listener }, async (rig) => {
      const client = await reader(rig.port)
      let pauses = 0
      client.socket.on('data', () => {
        if (pauses++ % 10 !== 0) return
        client.socket.pause()
        setTimeout(() => client.socket.resume(), 5)
      })
      client.socket.resume()
      await until('the end', () => client.received().endsWith('0\r\n\r\n'), 10_000)
      assert.ok(client.received().includes('data: [DONE]'))
      assert.deepEqual([rig.door.counts.stalled, aborted()], [0, 0])
      client.leave()
    })
  })
})
