import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { ask, h2Client } from './h2-rig.ts'
import { curl, noCurl } from './proxy-curl.ts'
import { noNginx, startNginx, sumOf, writeRandomFile, type Nginx } from './proxy-nginx.ts'
import { scene } from './proxy-rig.ts'
import { plainGateway } from './tls-rig.ts'

describe('HTTP/2 with the servers and clients that others have', { skip: noNginx }, () => {
  let nginx: Nginx
  let sum: string

  before(async () => {
    nginx = await startNginx(true)
    sum = await writeRandomFile(join(nginx.root, 'large'), 4)
  })
  after(() => nginx.stop())

  it('nginx, which ends each connection after 50 requests, loses none of 800, nor of 20 uploads', async () => {
    await scene(async (stage) => {
      const upstream = h2Client(stage, nginx.port, { headersTimeout: 10_000 })
      const told: (number | string)[] = []
      const worker = async (): Promise<void> => {
        for (let i = 0; i < 20; i++) {
          const { status, failure } = await ask(upstream, { target: '/nothing' }).over
          told.push(failure?.message ?? status)
        }
      }
      await Promise.all(Array.from({ length: 40 }, worker))
      assert.deepEqual([told.length, new Set(told)], [800, new Set([204])])
      const body = Buffer.alloc(300_000, 'x')
      const uploads = Array.from({ length: 20 }, async (_, i) => {
        const pieces = Array.from({ length: 6 }, (_each, at) => body.subarray(at * 50_000, (at + 1) * 50_000))
        const headers = ['host', 'a', 'content-length', String(body.length)]
        const put = { method: 'PUT', target: `/up/${i}`, headers, body: Readable.from(pieces) }
        const { status, failure } = await ask(upstream, put).over
        assert.equal(failure?.message ?? status, 201)
        assert.ok(body.equals(await readFile(join(nginx.root, 'up', String(i)))))
      })
      await Promise.all(uploads)
    })
  })

  it(
    'curl with prior knowledge, through the gateway to nginx: up and down byte for byte',
    { skip: noCurl },
    async () => {
      await scene(async (stage) => {
        const server = `servers: [{ url: "http://127.0.0.1:${nginx.port}" }]`
        const gateway = await plainGateway(stage, `upstreams: { app: { http2: true, ${server} } }\n`)
        const at = (path: string): string => `http://127.0.0.1:${gateway.port}${path}`
        const large = await curl('--http2-prior-knowledge', at('/large'))
        assert.equal(createHash('sha256').update(Buffer.from(large, 'latin1')).digest('hex'), sum)
        const put = [
          '--http2-prior-knowledge',
          '--upload-file',
          join(nginx.root, 'large'),
          '--write-out',
          '%{http_version} %{http_code}',
        ]
        assert.match(await curl(...put, at('/up/back')), /2 201$/)
        assert.equal(await sumOf(join(nginx.root, 'up', 'back')), sum)
        assert.match(await curl('--include', at('/nothing')), /^HTTP\/1\.1 204 /)
      })
    },
  )
})
