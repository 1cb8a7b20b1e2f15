import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ask } from './config-rig.ts'
import { connect, Scene, until } from './proxy-rig.ts'
import { startRun, type Sluice } from './run-child.ts'

/** Targets with which other proxies were sent elsewhere; `PORT` is where nobody may be asked. */
const ABROAD = [
  'GET http://127.0.0.1:PORT/ HTTP/1.1\r\nhost: 127.0.0.1:PORT',
  'GET HTTP://127.0.0.1:PORT/ HTTP/1.1\r\nhost: a',
  'GET https://127.0.0.1:PORT/ HTTP/1.1\r\nhost: a',
  'GET //127.0.0.1:PORT/ HTTP/1.1\r\nhost: a',
  'GET /\\127.0.0.1:PORT/ HTTP/1.1\r\nhost: a',
  'GET /@127.0.0.1:PORT/ HTTP/1.1\r\nhost: a',
  'GET @127.0.0.1:PORT/ HTTP/1.1\r\nhost: a',
  'GET :@127.0.0.1:PORT/ HTTP/1.1\r\nhost: a',
  'GET 127.0.0.1:PORT HTTP/1.1\r\nhost: a',
  'GET / HTTP/1.1\r\nhost: 127.0.0.1:PORT',
  'GET / HTTP/1.1\r\nhost: a@127.0.0.1:PORT',
  'GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-host: 127.0.0.1:PORT',
  'GET / HTTP/1.1\r\nhost: a\r\nforwarded: host="127.0.0.1:PORT"',
  'GET / HTTP/1.1\r\nhost: a\r\nx-original-url: http://127.0.0.1:PORT/',
  'GET / HTTP/1.1\r\nhost: a\r\nx-rewrite-url: http://127.0.0.1:PORT/',
  'CONNECT 127.0.0.1:PORT HTTP/1.1\r\nhost: 127.0.0.1:PORT',
  'OPTIONS http://127.0.0.1:PORT/ HTTP/1.1\r\nhost: a',
  'GET /?url=http://127.0.0.1:PORT/ HTTP/1.1\r\nhost: a',
] as const

describe('nobody is asked but the upstreams of the configuration', () => {
  const stage = new Scene()
  let run: Sluice
  let elsewhere = 0
  let asked = 0
  const reached: string[] = []

  before(async () => {
    elsewhere = await stage.upstream((_req, res) => {
      asked++
      res.end('never')
    })
    const port = await stage.upstream((req, res) => {
      reached.push(req.url ?? '')
      if (req.url?.startsWith('/away') === true)
        res.writeHead(Number(/\d+/.exec(req.url)?.[0]), { location: `http://127.0.0.1:${elsewhere}/` })
      res.end('here')
    })
    run = await startRun(port)
    stage.onEnd(() => run.stop())
  })
  after(() => stage.end())

  for (const target of ABROAD)
    it(JSON.stringify(target), async () => {
      const client = await connect(run.port)
      try {
        client.send(`${target.replaceAll('PORT', String(elsewhere))}\r\nconnection: close\r\n\r\n`)
        await until('the end', () => client.closed)
        assert.match(client.received(), /^HTTP\/1\.1 (?:200|400|405) /)
        assert.equal(asked, 0)
        for (const url of reached) assert.match(url, /^\//)
      } finally {
        client.leave()
      }
    })

  it('redirects are for the client to follow', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      const answer = await ask(run.port, { path: `/away${status}` })
      assert.equal(answer.status, status)
      assert.equal(answer.headers.location, `http://127.0.0.1:${elsewhere}/`)
    }
    assert.equal(asked, 0)
  })

  it('control: somebody who is asked there does answer', async () => {
    assert.equal((await ask(elsewhere)).body, 'never')
    assert.equal(asked, 1)
  })
})
