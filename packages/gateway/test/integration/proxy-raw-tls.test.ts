import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { rawUpstream } from '../../src/proxy/raw-upstream.ts'
import type { Upstream } from '../../src/proxy/upstream.ts'

const noOpenssl =
  spawnSync('openssl', ['version']).status !== 0 && 'no openssl here (apt-get install openssl): no certificate'

describe('an upstream behind TLS', { skip: noOpenssl }, () => {
  let server: Server
  let folder: string
  let certificate: string
  let [connections, asked] = [0, 0]
  const names = new Set<unknown>()

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-tls-'))
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const made = spawnSync('openssl', [...make, '-keyout', key, '-out', cert, ...subject])
    assert.equal(made.status, 0, String(made.stderr))
    certificate = await readFile(cert, 'utf8')
    server = createServer({ key: await readFile(key), cert: certificate }, (req, res) => {
      asked++
      names.add((req.socket as TLSSocket).servername)
      if (req.url === '/large') res.end(Buffer.alloc(300_000, 'x'))
      else req.pipe(res)
    })
    server.on('secureConnection', () => connections++)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(async () => {
    server.close()
    server.closeAllConnections()
    await rm(folder, { recursive: true })
  })

  function client(host: string, ca?: string): Upstream {
    const origin = new URL(`https://${host}:${(server.address() as AddressInfo).port}`)
    const timeouts = { connectTimeout: 1000, headersTimeout: 1000, bodyTimeout: 1000 }
    return rawUpstream({ origin, ...timeouts, ...(ca !== undefined && { ca }) })
  }

  function ask(upstream: Upstream, target: string, body?: Readable): Promise<string> {
    return new Promise((resolve) => {
      let length = 0
      const request = { method: body === undefined ? 'GET' : 'POST', target, headers: ['host', 'elsewhere'], body }
      upstream.send(request, {
        head: () => {},
        data: (chunk) => void (length += chunk.length),
        end: () => resolve(`${length} bytes`),
        failed: ({ message }) => resolve(message),
      })
    })
  }

  it('S3 is asked by its own name, whatever host the client wants, and over one connection', async () => {
    const upstream = client('localhost', certificate)
    const before = connections
    assert.equal(await ask(upstream, '/large'), '300000 bytes')
    assert.equal(await ask(upstream, '/', Readable.from([Buffer.alloc(100_000), Buffer.from('x')])), '100001 bytes')
    await upstream.close()
    assert.deepEqual([...names], ['localhost'])
    assert.equal(connections - before, 1)
  })

  it('S3 whose certificate nobody vouches for, or is for somebody else, is told nothing', async () => {
    const told = asked
    const [stranger, other] = [client('localhost'), client('127.0.0.1', certificate)]
    assert.match(await ask(stranger, '/large'), /SELF_SIGNED/)
    assert.match(await ask(other, '/large'), /ALTNAME/)
    await Promise.all([stranger.close(), other.close()])
    assert.equal(asked, told)
  })
})
