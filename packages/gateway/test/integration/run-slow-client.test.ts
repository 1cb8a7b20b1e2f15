import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { noNginx, startNginx, writeRandomFile } from './proxy-nginx.ts'
import { scene, until } from './proxy-rig.ts'
import { residentOf, startRun } from './run-child.ts'

const noProc = process.platform === 'linux' ? false : 'resident memory is read from /proc'
const MB = 1 << 20

describe('a slow client', { skip: noProc }, () => {
  it('of 200 MB from nginx at 1 MB/s for 6 s grows the gateway by less than 32 MiB', { skip: noNginx }, async (t) => {
    await scene(async (stage) => {
      const nginx = await startNginx()
      stage.onEnd(() => nginx.stop())
      await writeRandomFile(join(nginx.root, 'large'), 200)
      const run = await startRun(nginx.port)
      stage.onEnd(() => run.stop())
      // What a process takes to come into its stride is not what a slow client costs.
      const small = await stage.connect(run.port)
      small.send('GET /none HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(200))
      await until('the answers', () => small.received().split('HTTP/1.1 ').length === 201)
      await sleep(500)
      const before = residentOf(run.process.pid!)
      const client = await stage.connect(run.port)
      client.socket.removeAllListeners('data').pause()
      client.send('GET /large HTTP/1.1\r\nhost: a\r\n\r\n')
      let most = before
      let read = 0
      const start = performance.now()
      while (performance.now() - start < 6000) {
        await sleep(20)
        const due = ((performance.now() - start) / 1000) * MB
        while (read < due) {
          const piece = client.socket.read() as Buffer | null
          if (piece === null) break
          read += piece.length
        }
        most = Math.max(most, residentOf(run.process.pid!))
      }
      t.diagnostic(`grew by ${((most - before) / MB).toFixed(1)} MiB while ${(read / MB).toFixed(1)} MB were read`)
      assert.ok(read > 4 * MB, `only ${read} bytes were read`)
      assert.ok(most - before < 32 * MB, `grew by ${most - before} bytes`)
    })
  })

  it('that uploads faster than the upstream reads is held back too', async (t) => {
    await scene(async (stage) => {
      let came = false
      const port = await stage.upstream((req) => {
        came = true
        req.pause()
      })
      const run = await startRun(port)
      stage.onEnd(() => run.stop())
      const client = await stage.connect(run.port)
      client.send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${200 * MB}\r\n\r\nx`)
      await until('the request', () => came)
      const before = residentOf(run.process.pid!)
      const piece = Buffer.alloc(MB)
      let taken = 0
      // As much as anybody on the way takes within two seconds.
      const start = performance.now()
      while (performance.now() - start < 2000 && taken < 199) {
        if (client.socket.writableLength === 0) {
          client.send(piece)
          taken++
        }
        await sleep(1)
      }
      const grown = residentOf(run.process.pid!) - before
      t.diagnostic(`took ${taken} MB and grew by ${(grown / MB).toFixed(1)} MiB`)
      assert.ok(taken < 64, `${taken} MB disappeared`)
      assert.ok(grown < 32 * MB, `grew by ${grown} bytes`)
    })
  })
})
