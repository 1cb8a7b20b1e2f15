import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, before, describe, it } from 'node:test'
import type { Gateway } from '../../src/gateway.ts'
import { Scene, until } from './proxy-rig.ts'

describe('the admin port', () => {
  const stage = new Scene()
  let gateway: Gateway
  let answers: ServerResponse[] = []

  before(async () => {
    const port = await stage.upstream((_req, res) => void answers.push(res))
    gateway = await stage.gateway(port, {
      plan: { kind: 'fixed', permits: 2, queue: { capacity: 1, maxWait: 5000 }, threshold: undefined },
    })
  })
  after(() => stage.end())

  async function ask(send: string): Promise<{ status: number; head: string; body: string }> {
    const client = await stage.connect(gateway.adminPort)
    client.send(send)
    await until('the end', () => client.closed)
    const [head = '', body = ''] = client.received().split('\r\n\r\n', 2)
    return { status: Number(head.slice(9, 12)), head, body }
  }
  const get = (path: string, host = 'localhost') =>
    ask(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)

  it('S1.9 is alive and ready', async () => {
    assert.deepEqual((await get('/health/live')).body, '{"status":"alive"}')
    const { status, body } = await get('/health/ready?x=1')
    assert.deepEqual([status, body], [200, '{"status":"ready"}'])
  })

  it('S3.7 S3.8 tells what is going on, and stays ready however busy it is', async () => {
    const [first, second, third, fourth] = [
      await stage.connect(gateway.port),
      await stage.connect(gateway.port),
      await stage.connect(gateway.port),
      await stage.connect(gateway.port),
    ]
    for (const client of [first, second, third]) client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await until('two in progress and one waiting', () => gateway.gate?.stats.queued === 1 && answers.length === 2)
    fourth.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await until('a refusal', () => fourth.received().includes('QUEUE_FULL'))
    assert.deepEqual(JSON.parse((await get('/metrics/backpressure')).body), {
      success: true,
      data: {
        current_requests: 2,
        queued_requests: 1,
        rejected_requests: 1,
        avg_wait_time_ms: 0,
        utilization_percent: 100,
        status: 'critical',
      },
    })
    const { head, body } = await get('/metrics')
    assert.match(head, /content-type: text\/plain; version=0\.0\.4/i)
    for (const line of [
      'backpressure_active_requests 2',
      'backpressure_queued_requests 1',
      'backpressure_rejected_total{code="queue_full"} 1',
      'backpressure_wait_time_seconds_count 2',
      'backpressure_upstream_active_requests 2',
      'backpressure_upstream_failures_total{code="UPSTREAM_TIMEOUT"} 0',
    ])
      assert.ok(body.includes(`\n${line}\n`), line)
    for (const bound of ['0.01', '0.05', '0.1', '0.5', '1', '3', '5', '+Inf'])
      assert.ok(body.includes(`backpressure_wait_time_seconds_bucket{le="${bound}"} 2`), bound)
    assert.match(body, /process_resident_memory_bytes \d/)
    assert.equal((await get('/health/ready')).status, 200)
    answers.forEach((answer) => answer.end())
    await until('the third', () => answers.length === 3)
    answers[2]!.end()
    await until('the last answer', () => third.received().includes('200 OK'))
    answers = []
  })

  it('knows its paths and methods', async () => {
    assert.equal((await get('/nothing')).status, 404)
    assert.equal((await get('/__proto__')).status, 404)
    const post = await ask(
      'POST /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
    )
    assert.equal(post.status, 405)
    const head = await ask('HEAD /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
    assert.deepEqual([head.status, head.body], [200, ''])
  })

  it('answers no page of a stranger', async () => {
    assert.equal((await get('/metrics', 'evil.example')).status, 403)
    assert.equal((await get('/metrics', `127.0.0.1:${gateway.adminPort}`)).status, 200)
  })
})
