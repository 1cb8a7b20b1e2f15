import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { freePort } from './free-port.ts'
import { runToEnd, startRun, type Sluice } from './run-child.ts'
import { until } from './proxy-rig.ts'

const TOKEN = 'a-token-for-operators'

describe('an operator before a gateway', { timeout: 60_000 }, () => {
  let upstream: Server
  let gateway: Sluice
  let admin = ''

  before(async () => {
    upstream = createServer((_req, res) => setTimeout(() => res.end('ok'), 20)).listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    const { port } = upstream.address() as AddressInfo
    // A token is no flag: every user of a machine sees those.
    process.env['SLUICE_ADMIN_TOKEN'] = TOKEN
    gateway = await startRun(port, '--max-concurrent', '2', '--queue', '0')
    delete process.env['SLUICE_ADMIN_TOKEN']
    admin = `http://127.0.0.1:${gateway.adminPort}`
  })

  after(async () => {
    upstream.close()
    upstream.closeAllConnections()
    await gateway.stop()
  })

  const order = async (
    name: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<[number, string]> => {
    const response = await fetch(`${admin}/control/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return [response.status, await response.text()]
  }

  /** How many of ten at once are let in. */
  const letIn = async (): Promise<number> => {
    const all = Array.from({ length: 10 }, async () => (await fetch(`http://127.0.0.1:${gateway.port}/`)).status)
    return (await Promise.all(all)).filter((status) => status === 200).length
  }

  it('forces a limit, stops refusing, and takes both back', async () => {
    assert.equal(await letIn(), 2)
    const [status, said] = await order('limit', { limit: 5, minutes: 1 })
    assert.deepEqual([status, (JSON.parse(said) as { message: string }).message], [200, 'default is 5 for 1 minute'])
    assert.equal(await letIn(), 5)
    assert.equal((await order('pause'))[0], 200)
    assert.equal(await letIn(), 10)
    assert.equal((await order('resume'))[0], 200)
    assert.equal(await letIn(), 2)
    await until('the log line', () => gateway.err().includes('control: resume {} 200'))
    assert.match(gateway.err(), /sluice: control: limit \{"limit":5,"minutes":1,"name":"default"\} 200/)
  })

  it('is told what makes no sense, and changes nothing by it', async () => {
    for (const [name, body, expected] of [
      ['limit', { limit: 0, minutes: 1 }, 400],
      ['limit', { limit: 5, minutes: 1, name: 'nobody' }, 404],
      ['limit', undefined, 400],
      ['reload', undefined, 409],
      ['explode', undefined, 404],
    ] as const)
      assert.equal((await order(name, body))[0], expected, `${name} ${JSON.stringify(body)}`)
    const raw = await fetch(`${admin}/control/limit`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
      body: '{"limit":',
    })
    assert.equal(raw.status, 400)
    const long = await fetch(`${admin}/control/limit`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify({ limit: 5, minutes: 1, name: 'x'.repeat(5000) }),
    })
    assert.equal(long.status, 413)
    assert.equal(await letIn(), 2)
  })

  it('nobody orders anything without the token', async () => {
    for (const authorization of ['', 'Bearer wrong', `Basic ${TOKEN}`])
      assert.equal((await order('pause', {}, { authorization }))[0], 401)
    assert.equal(await letIn(), 2)
  })

  it('S1.14 sees it in the terminal: sluice top', async () => {
    await letIn()
    const { code, out } = await runToEnd(['top', admin, '--once'])
    assert.equal(code, 0, out)
    assert.match(out, /in flight \d+ of 2/)
    assert.match(out, /LAST REFUSALS/)
    const json = await runToEnd(['top', admin, '--json'])
    assert.equal((JSON.parse(json.out) as { version: number }).version, 1)
    const nowhere = await runToEnd(['top', `http://127.0.0.1:${await freePort()}`])
    assert.equal(nowhere.code, 1)
    assert.match(nowhere.err, /^sluice: http:\/\/127\.0\.0\.1:\d+ does not answer: .*ECONNREFUSED.*\n$/)
    const wrong = await runToEnd(['top', `http://127.0.0.1:${gateway.port}`])
    assert.match(wrong.err, /is it the admin port of a gateway\?/)
  })

  it('gets files for other systems: sluice export', async () => {
    for (const [what, expected] of [
      ['grafana', /"title": "Sluice"/],
      ['alerts', /HighRejectionRate/],
      ['compose', /services:/],
      ['kubernetes', /kind: Deployment/],
      ['dockerfile', /^FROM /m],
      ['systemd', /^\[Service\]/m],
      ['schema', /"\$schema"/],
    ] as const) {
      const { code, out } = await runToEnd(['export', what])
      assert.equal(code, 0)
      assert.match(out, expected)
    }
    const { code, err } = await runToEnd(['export', 'everything'])
    assert.equal(code, 2)
    assert.match(err, /^sluice: .*everything.*\n$/)
  })

  it('drains it from afar: what is under way is served, and the process ends with 0', async () => {
    const slow = fetch(`http://127.0.0.1:${gateway.port}/`)
    assert.equal((await order('drain'))[0], 200)
    assert.equal((await slow).status, 200)
    assert.equal((await gateway.ended).code, 0)
  })
})
