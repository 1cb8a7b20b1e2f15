import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { status } from '@grpc/grpc-js'
import { outcomeOf } from '../../src/http/index.ts'
import { isGrpcHealth, outcomeOfStatus, serverChannelOptions, type GrpcRequest } from '../../src/grpc/index.ts'
import { soonest, timeUntil } from '../../src/grpc/wall-time.ts'
import { VirtualClock } from '../../src/sim/index.ts'

/** The HTTP statuses google.rpc.Code names beside its codes. */
const HTTP: Readonly<Record<keyof typeof status, number>> = {
  OK: 200,
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
}

describe('outcomeOfStatus', () => {
  it('judges every status as the HTTP status beside it, except for the caller who left', () => {
    for (const [name, http] of Object.entries(HTTP)) {
      const expected = name === 'CANCELLED' ? 'ignored' : outcomeOf(http)
      assert.equal(outcomeOfStatus(status[name as keyof typeof status]), expected, name)
    }
  })

  it('the page says the same', () => {
    const page = readFileSync(new URL('../../../../../docs/grpc.md', import.meta.url), 'utf8')
    for (const name of Object.keys(HTTP) as (keyof typeof status)[]) {
      const row = page
        .split('\n')
        .find((line) => line.startsWith('| ') && line.includes(`\`${name}\``) && line.includes(' outcome: '))
      assert.ok(row, `docs/grpc.md has no row for ${name}`)
      assert.ok(row.includes(`outcome: \`${outcomeOfStatus(status[name])}\``), row)
    }
  })
})

describe('isGrpcHealth', () => {
  it('knows health and reflection by their full names, and nothing that looks like them', () => {
    const asked = (path: string): boolean => isGrpcHealth({ path } as GrpcRequest)
    assert.ok(asked('/grpc.health.v1.Health/Check'))
    assert.ok(asked('/grpc.health.v1.Health/Watch'))
    assert.ok(asked('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo'))
    assert.ok(asked('/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo'))
    for (const path of [
      '/grpc.health.v1.Health/',
      '/grpc.health.v1.HealthX/Check',
      '/x/grpc.health.v1.Health/Check',
      '/grpc.health.v1.Health/Check/../../orders.Orders/Place',
      '/orders.Orders/Check',
      '/health',
    ])
      assert.equal(asked(path), false, path)
  })
})

describe('serverChannelOptions', () => {
  it('is what grpc-js is told', () => {
    assert.deepEqual(serverChannelOptions(), { 'grpc.server_call_metric_recording': 1 })
    assert.deepEqual(serverChannelOptions({ maxConcurrentStreams: 7, loadReport: false }), {
      'grpc.max_concurrent_streams': 7,
    })
    for (const wrong of [0, 1.5, 2 ** 32])
      assert.throws(() => serverChannelOptions({ maxConcurrentStreams: wrong }), RangeError)
  })
})

describe('deadlines on the wall clock', () => {
  it('are read as time left: at least none, and none that another clock must have set', () => {
    const wall = (): number => 1_000_000
    assert.equal(timeUntil(Infinity, wall), Infinity)
    assert.equal(timeUntil(1_000_250, wall), 250)
    assert.equal(timeUntil(new Date(1_000_250), wall), 250)
    assert.equal(timeUntil(999_900, wall), 0)
    assert.equal(timeUntil(998_000, wall), Infinity)
    assert.equal(timeUntil(new Date(Number.NaN), wall), Infinity)
  })

  it('become deadlines of the gate, the sooner of two', () => {
    const clock = new VirtualClock()
    clock.advance(100)
    assert.equal(soonest(clock, Infinity, undefined), undefined)
    assert.equal(soonest(clock, Infinity, 7), 7)
    assert.equal(soonest(clock, 50, undefined), 150)
    assert.equal(soonest(clock, 50, 120), 120)
    assert.equal(soonest(clock, 50, 900), 150)
  })
})
