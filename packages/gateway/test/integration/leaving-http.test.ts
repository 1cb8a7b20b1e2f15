import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { curl, noCurl } from './proxy-curl.ts'
import { scene, until } from './proxy-rig.ts'
import { startRun } from './run-child.ts'

const FIRST = 'GET /first HTTP/1.1\r\nhost: a\r\n\r\n'
const LEAVING = {
  'a WebSocket':
    'GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  h2c: 'GET /h2c HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMA\r\n\r\n',
  CONNECT: 'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n',
}

describe('whoever wants to leave HTTP before he was answered', { skip: noCurl }, () => {
  for (const [what, message] of Object.entries(LEAVING))
    it(`${what}: loses his connection, and nobody else anything`, async () => {
      await scene(async (stage) => {
        const held: ServerResponse[] = []
        const upstream = await stage.upstream((req, res) => {
          if (req.url === '/first') held.push(res)
          else res.end('served')
        })
        const run = await startRun(upstream, '--max-concurrent', '1', '--queue', '0')
        stage.onEnd(() => run.stop())
        const [together, later] = [await stage.connect(run.port), await stage.connect(run.port)]
        together.send(FIRST + message)
        await until('the end of the one', () => together.closed || run.process.exitCode !== null)
        later.send(FIRST)
        await until('the upstream to be asked', () => held.length === 1)
        later.send(message)
        await until('the end of the other', () => later.closed || run.process.exitCode !== null)
        await until('the end of what it had asked for', () => held[0]!.closed)
        // What he was told would be taken for the answer to what he asked first.
        assert.deepEqual([together.received(), later.received()], ['', ''])
        assert.equal(run.err(), '')
        // The only slot is free again.
        assert.equal(await curl(`http://127.0.0.1:${run.port}/`), 'served')
      })
    })

  it('a WebSocket: who leaves by a half-close before it is open gives its slot back at once', async () => {
    await scene(async (stage) => {
      let asked = 0
      const upstream = await stage.rawUpstream((socket) => socket.on('data', () => asked++))
      // Longer than is waited for; but a failure has to end.
      const gateway = await stage.gateway(upstream, { headersTimeout: 8_000 })
      const client = await stage.connect(gateway.port)
      client.send(LEAVING['a WebSocket'])
      await until('the upstream to be asked', () => asked > 0 && gateway.pending === 1)
      client.socket.end()
      await until('its slot to be free', () => gateway.pending === 0)
    })
  })

  it('a WebSocket: who sends frames before it is open is heard when he leaves; they arrive if he stays, up to 64 KiB', async () => {
    await scene(async (stage) => {
      const sockets: Socket[] = []
      const read: string[] = []
      const upstream = await stage.rawUpstream((socket) => {
        const nth = sockets.push(socket) - 1
        read.push('')
        socket.on('data', (chunk: Buffer) => (read[nth] += chunk.toString('latin1')))
      })
      const gateway = await stage.gateway(upstream, { headersTimeout: 8_000 })
      const frame = Buffer.from([0x81, 0x80, 1, 2, 3, 4])
      for (const leave of ['end', 'destroy'] as const) {
        const client = await stage.connect(gateway.port)
        client.send(LEAVING['a WebSocket'])
        await until('the upstream to be asked', () => gateway.pending === 1 && sockets.length > 0)
        client.send(frame)
        client.socket[leave]()
        await until('its slot to be free', () => gateway.pending === 0)
      }
      const eager = await stage.connect(gateway.port)
      eager.send(LEAVING['a WebSocket'])
      await until('its handshake', () => sockets.length === 3)
      for (let i = 0; i < 20; i++) eager.send(Buffer.alloc(16_384))
      await until('its end', () => eager.closed && gateway.pending === 0)
      const patient = await stage.connect(gateway.port)
      patient.send(Buffer.concat([Buffer.from(LEAVING['a WebSocket']), frame]))
      await until('the handshake', () => read[3]?.includes('\r\n\r\n') === true)
      patient.send(frame)
      assert.match(read[3]!, /\r\n\r\n$/)
      sockets[3]!.write('HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
      await until('both frames', () => read[3]!.endsWith(`\r\n\r\n${frame.toString('latin1').repeat(2)}`))
    })
  })
})
