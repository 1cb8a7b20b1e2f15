import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { upstream } from '../../src/demo/upstream.ts'
import { sluice } from './cli-child.ts'

describe('sluice size', () => {
  it('S3.1 answers with the tightest and its reason', async () => {
    const given = ['--pool', '100', '--workers', '4', '--tasks', '100', '--ram', '4000', '--base', '500']
    const { code, stdout } = await sluice('size', ...given, '--per-request', '1', '--rps', '1500', '--latency', '50ms')
      .ended
    assert.equal(code, 0)
    assert.match(stdout, /^at most 80 at once: the pool binds, 10 below the next, the traffic itself\n/)
  })

  it('S3.1 measures a live target', async () => {
    const server = await upstream({ slots: 20, service: 50 })
    try {
      const url = `http://127.0.0.1:${server.port}/`
      const { code, stdout } = await sluice('size', '--target', url, '--pool', '20', '--json').ended
      assert.equal(code, 0)
      const { limit, measured, demand } = JSON.parse(stdout) as {
        limit: number
        measured: { rate: number; latency: number; p95: number }
        demand: { busy: number }
      }
      assert.equal(limit, 16)
      // Of 400 a second; a busy machine may miss some, and none can do more.
      assert.ok(measured.rate > 250 && measured.rate < 440, `${measured.rate}/s`)
      assert.ok(measured.latency > 45 && measured.latency < 80, `${measured.latency} ms`)
      assert.ok(demand.busy > 12 && demand.busy < 30, `${demand.busy} busy`)
    } finally {
      server.close()
    }
  })

  it('is one line and exit 2 for what makes no sense, 1 for a target that does not answer', async () => {
    for (const [args, code, why] of [
      [[], 2, /^sluice: --pool is missing; expected a pool, workers and tasks/],
      [['--pool', 'many'], 2, /argument 'many' is invalid. Expected a number/],
      [['--ram', '100', '--base', '200', '--per-request', '1'], 2, /^sluice: --base is 200; expected a number from 0/],
      [['--ram', '100'], 2, /^sluice: --per-request is missing; expected to come with ram/],
      [['--rps', '5', '--latency', '50'], 2, /"50" is not a duration/],
      [['--target', 'http://192.0.2.1/'], 2, /192\.0\.2\.1 is not this machine/],
      [['--target', 'https://localhost/'], 2, /Expected an http URL/],
      [['--target', 'http://127.0.0.1:1/'], 1, /cannot be measured: .*ECONNREFUSED/],
    ] as const) {
      const ended = await sluice('size', ...args).ended
      assert.equal(ended.code, code, args.join(' '))
      assert.equal(ended.stdout, '')
      assert.match(ended.stderr, why)
      assert.equal(ended.stderr.trim().split('\n').length, 1)
    }
  })
})
