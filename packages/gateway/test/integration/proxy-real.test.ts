import assert from 'node:assert/strict'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Gateway } from '../../src/gateway.ts'
import { curl, noCurl } from './proxy-curl.ts'
import { noNginx, startNginx, sumOf, writeRandomFile, type Nginx } from './proxy-nginx.ts'
import { Scene } from './proxy-rig.ts'

const MEGABYTES = 200

describe('real traffic: curl, the gateway, nginx', { skip: noNginx || noCurl }, () => {
  const stage = new Scene()
  let nginx: Nginx
  let gateway: Gateway
  let url: string
  let sum: string

  before(async () => {
    nginx = await startNginx()
    stage.onEnd(() => nginx.stop())
    gateway = await stage.gateway(nginx.port)
    url = `http://127.0.0.1:${gateway.port}`
    sum = await writeRandomFile(join(nginx.root, 'large'), MEGABYTES)
    await writeFile(join(nginx.root, 'small.txt'), '0123456789\n')
  })
  after(() => stage.end())

  it('S3 a download of 200 MB is the same on the other side', async () => {
    const copy = join(nginx.root, 'copy')
    await curl('-o', copy, `${url}/large`)
    assert.equal(await sumOf(copy), sum)
    await rm(copy)
  })

  it('S3 an upload of 200 MB is the same on the other side', async () => {
    const out = await curl('-i', '-T', join(nginx.root, 'large'), `${url}/up/large`)
    assert.match(out, /HTTP\/1\.1 201 /)
    assert.equal(await sumOf(join(nginx.root, 'up/large')), sum)
    await rm(join(nginx.root, 'up/large'))
  })

  it('a chunked upload arrives whole, and so does one after 100 Continue', async () => {
    const source = join(nginx.root, 'medium')
    const expected = await writeRandomFile(source, 5)
    const chunked = await curl('-i', '-H', 'Transfer-Encoding: chunked', '-T', source, `${url}/up/chunked`)
    assert.match(chunked, /HTTP\/1\.1 201 /)
    assert.equal(await sumOf(join(nginx.root, 'up/chunked')), expected)
    const continued = await curl('-i', '-H', 'Expect: 100-continue', '-T', source, `${url}/up/continued`)
    assert.match(continued, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /)
    assert.equal(await sumOf(join(nginx.root, 'up/continued')), expected)
  })

  it('HEAD has the headers of GET and no body', async () => {
    const out = await curl('-I', `${url}/large`)
    assert.match(out, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(out, new RegExp(`content-length: ${MEGABYTES << 20}\\r\\n`, 'i'))
    assert.match(out, /\r\n\r\n$/)
  })

  it('204 and 304 have no body, and the connection goes on after them', async () => {
    const etag = /etag: (\S+)/i.exec(await curl('-I', `${url}/small.txt`))![1]!
    const format = '%{http_code} %{size_download} %{num_connects};'
    const out = await curl('-o', '/dev/null', '-w', format, `${url}/nothing`, '-o', '/dev/null', `${url}/nothing`)
    assert.equal(out, '204 0 1;204 0 0;')
    const two = ['-H', `If-None-Match: ${etag}`, '-w', format, '-o', '/dev/null', '-o', '/dev/null']
    assert.equal(await curl(...two, `${url}/small.txt`, `${url}/small.txt`), '304 0 1;304 0 0;')
  })

  it('a range is a range', async () => {
    const out = await curl('-i', '-r', '2-4', `${url}/small.txt`)
    assert.match(out, /^HTTP\/1\.1 206 /)
    assert.match(out, /content-range: bytes 2-4\/11\r\n/i)
    assert.match(out, /\r\n\r\n234$/)
  })

  it('connections are kept, towards HTTP/1.0 closed', async () => {
    const format = '%{num_connects};'
    const two = ['-o', '/dev/null', '-o', '/dev/null', '-w', format, `${url}/small.txt`, `${url}/small.txt`]
    assert.equal(await curl(...two), '1;0;')
    const old = await curl('-i', '--http1.0', `${url}/small.txt`)
    assert.match(old, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(old, /connection: close\r\n/i)
    assert.match(old, /0123456789\n$/)
  })

  it('an upgrade is ignored and the request answered as the ordinary one it also is', async () => {
    const h2c = await curl('-i', '--http2', `${url}/small.txt`)
    assert.match(h2c, /^HTTP\/1\.1 200 OK\r\n/)
    assert.doesNotMatch(h2c, /upgrade/i)
    const asking = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: eA==']
    const websocket = await curl('-i', ...asking.flatMap((header) => ['-H', header]), `${url}/small.txt`)
    assert.match(websocket, /^HTTP\/1\.1 200 OK\r\n/)
  })

  it('every permit has come back', async () => {
    assert.deepEqual(
      { inflight: gateway.gate?.stats.inflight, queued: gateway.gate?.stats.queued },
      { inflight: 0, queued: 0 },
    )
    assert.equal(gateway.proxy.active, 0)
    assert.equal((await stat(join(nginx.root, 'large'))).size, MEGABYTES << 20)
  })
})
