import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Snapshot } from '../../src/live/index.ts'
import { mergedSnapshot, type Merged } from '../../src/workers/merged-snapshot.ts'
import { planOf } from '../integration/config-rig.ts'
import { sample, ticks } from '../page/sample.ts'

const PLAN = planOf(`
upstreams: { app: { servers: [{ url: "http://127.0.0.1:9" }] } }
limits:
  default: { kind: fixed, limit: 20 }
  own: { kind: adaptive }
  all: { kind: fixed, limit: 30, scope: fleet, onDown: share }
redis: { url: "redis://127.0.0.1:9" }
`)

const LIMIT: Snapshot['limits'][number] = {
  name: 'default',
  kind: 'fixed',
  scope: 'fleet',
  per: 'all',
  limit: 3,
  inflight: 2,
  queued: 1,
  pressure: 0.5,
}

const SERVER: Snapshot['upstreams'][number] = {
  upstream: 'app',
  server: 'http://127.0.0.1:9',
  healthy: true,
  because: '',
  weight: 1,
  inflight: 2,
  told: -1,
  link: 'silent',
  refused: 1,
  mute: 0,
  narrowed: -1,
  answered: 10,
  failed: 1,
  breaker: null,
}

const FLEET: Snapshot['fleet'][number] = {
  limit: 'all',
  up: true,
  trouble: '',
  policy: 'share',
  policyInForce: false,
  learning: false,
  sessions: 5,
  used: 20,
  waiting: 4,
  total: 30,
  oldest: 7,
  held: 3,
  inflight: 2,
  queued: 1,
  lapses: 1,
  lanes: [{ lane: 'low', share: 10, waiting: 3 }],
}

/** Of two workers, the second as the first but for what is said. */
const merged = (first: Partial<Snapshot>, second: Partial<Snapshot>): Merged =>
  mergedSnapshot(
    new Map([
      [2, { ...sample(ticks(1, 0)), ...EMPTY, ...second }],
      [1, { ...sample(ticks(1, 0)), ...EMPTY, ...first }],
    ]),
    PLAN,
  )

const EMPTY: Partial<Snapshot> = {
  limits: [],
  upstreams: [],
  fleet: [],
  tenants: [],
  rejections: [],
  moves: [],
  degradation: [],
  cache: null,
  llm: null,
}

describe('the snapshot of several workers', () => {
  it('a limit that is shared is there once, one that each has is as large as all together', () => {
    const own = { ...LIMIT, name: 'own', kind: 'adaptive', scope: 'local', limit: 7 } as const
    const { limits } = merged({ limits: [LIMIT, own] }, { limits: [{ ...LIMIT, limit: 9, pressure: 2 }, own] })
    assert.deepEqual(limits, [
      { ...LIMIT, scope: 'local', limit: 20, inflight: 4, queued: 2, pressure: 2 },
      { ...own, limit: 14, inflight: 4, queued: 2 },
    ])
  })

  it('what is not counted is not, where nobody counts it', () => {
    const rate = { ...LIMIT, name: 'own', kind: 'rate', limit: -1 } as const
    assert.equal(merged({ limits: [rate] }, { limits: [rate] }).limits[0]?.limit, -1)
  })

  it('a server is as well as the worker thinks that thinks worst of it', () => {
    const sick = { ...SERVER, healthy: false, because: 'it is gone', told: 0.5, narrowed: 4, breaker: 'open' } as const
    const { upstreams } = merged({ upstreams: [SERVER] }, { upstreams: [{ ...sick, link: 'heard' }] })
    const counts = { inflight: 4, refused: 2, mute: 0, answered: 20, failed: 2 }
    assert.deepEqual(upstreams, [{ ...sick, ...counts, link: 'heard' }])
  })

  it('only what other machines share is a fleet; what it holds elsewhere is elsewhere', () => {
    const { fleet, instances, limits } = merged(
      { fleet: [FLEET, { ...FLEET, limit: 'default' }], limits: [{ ...LIMIT, name: 'all' }] },
      {
        fleet: [
          { ...FLEET, up: false, trouble: 'no answer', oldest: 9, lanes: [{ lane: 'low', share: 10, waiting: 5 }] },
        ],
      },
    )
    const sums = { held: 6, inflight: 4, queued: 2, lapses: 2 }
    const lanes = [{ lane: 'low', share: 10, waiting: 5 }]
    assert.deepEqual(fleet, [{ ...FLEET, ...sums, up: false, trouble: 'no answer', oldest: 9, lanes }])
    assert.equal(limits[0]?.scope, 'fleet')
    assert.deepEqual(
      instances.map(({ name, count }) => [name, count]),
      [
        ['worker 1', 1],
        ['worker 2', 1],
        ['others', 3],
      ],
    )
    assert.deepEqual(instances.at(-1), { name: 'others', count: 3, inflight: 16, queued: 2, held: 14 })
  })

  it('a tenant of both is one tenant, with its share of all', () => {
    const { tenants } = merged(
      { tenants: [{ tenant: 'a', offered: 6, rejected: 1, share: 60 }] },
      {
        tenants: [
          { tenant: 'b', offered: 20, rejected: 0, share: 66.667 },
          { tenant: 'a', offered: 10, rejected: 2, share: 33.333 },
        ],
      },
    )
    assert.deepEqual(tenants, [
      { tenant: 'b', offered: 20, rejected: 0, share: 50 },
      { tenant: 'a', offered: 16, rejected: 3, share: 40 },
    ])
  })

  it('moves and refusals are in the order of their time', () => {
    const move = { limit: 'own', from: 1, to: 2, reason: 'headroom' }
    const { moves } = merged(
      {
        moves: [
          { ...move, at: 1 },
          { ...move, at: 4 },
        ],
      },
      { moves: [{ ...move, at: 2 }] },
    )
    assert.deepEqual(
      moves.map(({ at }) => at),
      [1, 2, 4],
    )
    const [one] = sample(ticks(1, 0)).rejections
    assert.ok(one !== undefined)
    const many = (from: number): Snapshot['rejections'] =>
      Array.from({ length: 40 }, (_, at) => ({ ...one, at: from + 2 * at }))
    const { rejections } = merged({ rejections: many(0) }, { rejections: many(1) })
    assert.deepEqual([rejections.length, rejections[0]?.at, rejections.at(-1)?.at], [50, 79, 30])
  })

  it('memory is added up, and the loop is that of the busiest', () => {
    const view = { pid: 1, node: 'v', rss: 1e9, heapUsed: 1e8, loop: 0.25, cpu: 0.5 }
    const { process: all } = merged({ process: view }, { process: { ...view, loop: 0.75 } })
    assert.ok(all.rss > 2e9 && all.rss < 3e9)
    assert.deepEqual([all.pid, all.loop, all.cpu], [process.pid, 0.75, 1])
  })
})
