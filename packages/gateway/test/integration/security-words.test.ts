import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { app, ask } from './config-rig.ts'
import { connect, Scene, until } from './proxy-rig.ts'
import { launchRun, residentOf, type Sluice } from './run-child.ts'

/** What somebody may call himself, or ask for, to be taken for an order by whoever shows it. */
const WORDS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__defineGetter__',
  '"} 1',
  'a"b\\c',
  '${jndi:ldap://x}',
  '{{7*7}}',
  '<script>alert(1)</script>',
  '"onload=alert(1)',
  '%0d%0aset-cookie:%20x=1',
  '\u00e9\u009b31m',
  '\u00c2\u00852J',
  'a;gate="other"',
  "' OR 1=1 --",
  '../../etc/passwd',
  'x'.repeat(199),
  '*',
  '}{"a":',
  '# HELP evil x',
] as const

const MB = 1 << 20
/** By night 1,000,000. */
const FLOOD = Number(process.env['SLUICE_FLOOD'] ?? 30_000)

describe('what clients call themselves gives orders to nobody', () => {
  const stage = new Scene()
  let run: Sluice

  before(async () => {
    const port = await stage.upstream((_req, res) => res.end('ok'))
    const folder = await mkdtemp(join(tmpdir(), 'sluice-words-'))
    stage.onEnd(() => rm(folder, { recursive: true, force: true }))
    const file = join(folder, 'gateway.yaml')
    await writeFile(
      file,
      `listen: { host: 127.0.0.1, port: 0, adminPort: 0, trustedProxies: [loopback] }
${app(port)}
tenants: { from: header, header: x-tenant, labels: name, max: 1000 }
limits: { each: { kind: rate, requests: 1, per: 1h, by: tenant } }
routes: [{ path: /free/* , limits: [] }, { limits: [each, default] }]
`,
    )
    run = await launchRun(file)
    stage.onEnd(() => run.stop())
  })
  after(() => stage.end())

  async function raw(target: string, headers: string): Promise<string> {
    const client = await connect(run.port)
    try {
      client.send(Buffer.from(`GET ${target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${headers}\r\n`, 'latin1'))
      await until('the end', () => client.closed)
      return client.received()
    } finally {
      client.leave()
    }
  }

  it('a tenant of any name has a limit of its own, and a refusal says nothing of it', async () => {
    for (const word of WORDS) {
      assert.match(await raw('/', `x-tenant: ${word}\r\n`), /^HTTP\/1\.1 200 /, word)
      const refused = await raw('/', `x-tenant: ${word}\r\n`)
      assert.match(refused, /^HTTP\/1\.1 429 /, word)
      assert.match(refused, /\r\nsluice-rejection: rate_limited;gate="each";load=[\d.]+;limit=[\d.]+\r\n/i, word)
      assert.doesNotMatch(refused, /\r\n(?:set-cookie|evil)/i)
      const body = JSON.parse(refused.slice(refused.indexOf('\r\n\r\n') + 4)) as { success: boolean }
      assert.equal(body.success, false)
    }
  })

  it('a path, a query, a header, a cookie of any name is passed on or refused, and changes nothing', async () => {
    for (const word of WORDS) {
      const path = word.replaceAll(/[^\x21-\x7e]|#/g, '')
      const text = await raw(`/free/${path}?${path}=${path}`, `cookie: ${path}=1\r\n`)
      // With routes that go by paths, one that can be read in two ways is nobody's.
      assert.match(text, /\.\.|%|<\//.test(path) ? /^HTTP\/1\.1 (?:200|400) / : /^HTTP\/1\.1 200 /, word)
      if (/^[\w-]+$/.test(word)) assert.match(await raw('/free/', `${word}: x\r\n`), /^HTTP\/1\.1 200 /, word)
    }
  })

  it('each line of /metrics is one metric of ours; names of tenants are in none', async () => {
    const { body } = await ask(run.adminPort, { path: '/metrics' })
    for (const line of body.split('\n').filter((each) => each !== ''))
      assert.match(
        line,
        /^(?:# (?:HELP|TYPE) \w+ [^\r]*|(?:backpressure|process|nodejs)_\w+(?:\{[^\r\n]*\})? \S+)$/,
        line,
      )
    for (const word of ['jndi', '<script', 'passwd', 'evil', '__proto__']) assert.ok(!body.includes(word), word)
  })

  it('/snapshot is JSON in which they are texts, cut to a length', async () => {
    const { body } = await ask(run.adminPort, { path: '/snapshot' })
    // eslint-disable-next-line no-control-regex -- what JSON escapes
    assert.doesNotMatch(body, /[\u0000-\u001F]/)
    const { tenants, rejections } = JSON.parse(body) as {
      tenants: { tenant: string }[]
      rejections: { path: string; because: string; tenant?: string }[]
    }
    assert.ok(tenants.length > 0 && rejections.length > 0)
    for (const each of [...tenants, ...rejections])
      for (const value of Object.values(each)) if (typeof value === 'string') assert.ok(value.length <= 300, value)
  })

  it('nothing of it is written to the log', () => {
    for (const word of ['jndi', 'script', 'passwd', '__proto__'])
      assert.ok(!(run.out() + run.err()).includes(word), word)
  })

  it(`${FLOOD} more names, each once, take less than 64 MiB; whoever was there first keeps its place`, async (t) => {
    const client = await stage.connect(run.port)
    let [sent, read] = [0, 0]
    client.socket.removeAllListeners('data').on('data', (part: Buffer) => {
      for (let at = part.indexOf('HTTP/1.1 '); at !== -1; at = part.indexOf('HTTP/1.1 ', at + 9)) read++
    })
    async function flood(most: number): Promise<number> {
      while (sent < most) {
        let batch = ''
        for (let i = 0; i < 100; i++)
          batch += `GET /f HTTP/1.1\r\nhost: a\r\nx-tenant: flood-${sent++}-${'y'.repeat(100)}\r\n\r\n`
        client.send(batch)
        await until('the answers', () => read >= sent - 300, 20_000)
      }
      return residentOf(run.process.pid!)
    }
    // What a process takes to come into its stride is not what a flood costs.
    const before = await flood(20_000)
    const grown = (await flood(20_000 + FLOOD)) - before
    t.diagnostic(`grew by ${(grown / MB).toFixed(1)} MiB`)
    assert.ok(grown < 64 * MB, `${grown}`)
    assert.match(await raw('/', 'x-tenant: __proto__\r\n'), /^HTTP\/1\.1 429 /)
    const { body } = await ask(run.adminPort, { path: '/snapshot' })
    assert.ok((JSON.parse(body) as { tenants: unknown[] }).tenants.length <= 256)
  })
})
