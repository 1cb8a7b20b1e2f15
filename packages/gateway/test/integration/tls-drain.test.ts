import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
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
})
