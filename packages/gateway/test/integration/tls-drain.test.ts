import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as secure } from 'node:tls'
import { app } from './config-rig.ts'
import { scene, until } from './proxy-rig.ts'
import { askStream, certificate, line, noOpenssl, secureGateway, session } from './tls-rig.ts'

describe('connections of HTTP/1.1 behind TLS', { skip: noOpenssl }, () => {
  it('upgrades that are ignored, twenty in a row on one connection, leave nothing behind on it', async () => {
    await scene(async (stage) => {
      const warnings: string[] = []
      const warned = ({ message }: Error): void => void warnings.push(message)
      process.on('warning', warned)
      stage.onEnd(() => void process.off('warning', warned))
      const port = await stage.upstream((_req, res) => void res.end('done'))
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      const client = await line(stage, gateway.port, shown)
      for (let nth = 1; nth <= 20; nth++) {
        client.socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n')
        await until('the answer', () => client.text().split('done').length === nth + 1)
      }
      assert.deepEqual(warnings, [])
    })
  })

  it('S1.10 half a head holds a drain up for a second, not for as long as it may take; one that goes on is served', async () => {
    await scene(async (stage) => {
      const port = await stage.upstream((_req, res) => void res.end('done'))
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
      const half = await line(stage, gateway.port, shown)
      const after = await line(stage, gateway.port, shown)
      const slow = await line(stage, gateway.port, shown)
      after.socket.write(GET)
      await until('the first answer', () => after.text().includes('done'))
      half.socket.write('GET / HT')
      after.socket.write('GET / HT')
      slow.socket.write(GET.slice(0, 8))
      // An answer over another connection: by then they have been read.
      assert.equal((await askStream(await session(stage, gateway.port, shown))).status, 200)
      const start = performance.now()
      const drained = gateway.drain(8000)
      for (const from of [8, 16, 24]) {
        await sleep(400)
        slow.socket.write(GET.slice(from, from === 24 ? undefined : from + 8))
      }
      assert.deepEqual(await drained, { cutOff: 0 })
      assert.ok(performance.now() - start < 3500)
      await until('the end', () => [half, after, slow].every(({ socket }) => socket.destroyed))
      assert.match(half.text(), /^HTTP\/1\.1 408 /)
      assert.match(slow.text(), /200 OK[^]*connection: close[^]*done/i)
    })
  })

  it('S1.10 half a handshake, of TLS or HTTP/2, holds a drain up for a second, not for as long as that may take; one that goes on is served', async () => {
    await scene(async (stage) => {
      let begun = 0
      const port = await stage.upstream((req, res) => {
        if (req.url === '/slow') begun++
        setTimeout(() => res.end('done'), req.url === '/' ? 0 : 1200)
      })
      const shown = certificate(stage)
      const gateway = await secureGateway(stage, shown, app(port))
      const [half, slow] = [connect(gateway.port, '127.0.0.1'), connect(gateway.port, '127.0.0.1')]
      for (const socket of [half, slow]) {
        socket.on('error', () => {})
        stage.onEnd(() => void socket.destroy())
        await once(socket, 'connect')
      }
      // The head of a record of 512 bytes, and a few of those.
      half.write(Buffer.from('160301020001', 'hex'))
      const pausing = new Duplex({
        read() {},
        write(chunk: Buffer, _coding, done) {
          slow.write(chunk.subarray(0, 10))
          setTimeout(() => {
            slow.write(chunk.subarray(10))
            done()
          }, 400)
        },
      })
      slow.on('data', (chunk) => pausing.push(chunk)).on('close', () => pausing.push(null))
      // It reads nothing, and so does not hear that it is over.
      const preface = secure({ host: 'localhost', port: gateway.port, ca: shown.ca, ALPNProtocols: ['h2'] })
      preface.on('error', () => {}).write('PRI * HTT')
      stage.onEnd(() => void preface.destroy())
      await once(preface, 'secureConnect')
      let text = ''
      secure({ socket: pausing, ca: shown.ca, servername: 'localhost', ALPNProtocols: ['http/1.1'] })
        .on('error', () => {})
        .on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
        .write('GET /slow HTTP/1.1\r\nhost: a\r\n\r\n')
      // An answer over another connection: by then they have been read.
      const streams = await session(stage, gateway.port, shown)
      assert.equal((await askStream(streams)).status, 200)
      const late = askStream(streams, { ':path': '/slow' })
      await until('it to be on its way', () => begun === 1)
      const start = performance.now()
      assert.deepEqual(await gateway.drain(8000), { cutOff: 0 })
      assert.ok(performance.now() - start < 3500)
      await until('the end', () => [half, slow].every(({ destroyed }) => destroyed))
      assert.equal(String((await late).body), 'done')
      assert.match(text, /200 OK[^]*connection: close[^]*done/i)
    })
  })
})
