import type { Snapshot, Tick } from '../../src/live/snapshot.ts'

/** A gateway's minutes, made up: calm, then too much, then calm again. */
export function ticks(count: number, end: number): Tick[] {
  return Array.from({ length: count }, (_, index) => {
    const busy = index > count / 3 && index < (2 * count) / 3
    const wave = Math.sin(index / 9)
    const offered = (busy ? 1200 : 320) + 40 * wave
    const admitted = Math.min(offered, 400 + 10 * wave)
    const limit = busy ? 18 + Math.round(2 * wave) : 24
    const rejected = offered - admitted
    return {
      at: end - (count - 1 - index) * 1000,
      over: 1000,
      offered,
      admitted,
      ended: admitted,
      good: admitted - 2,
      rejected,
      shedPercent: (100 * rejected) / offered,
      p50: busy ? 62 : 50,
      p90: busy ? 88 : 55,
      p99: busy ? 121 : 61,
      wait50: busy ? 9 : 0,
      wait99: busy ? 48 : 1,
      inflight: Math.min(limit, Math.round(admitted / 20)),
      limit,
      queued: busy ? 14 : 0,
      utilization: busy ? 100 : 80,
      by: busy ? { limit_exceeded: rejected * 0.7, queue_timeout: rejected * 0.2, cancelled: rejected * 0.1 } : {},
      lanes: { high: [40, 40], normal: [admitted - 50, offered - 80], low: [busy ? 2 : 30, 40] },
      loop: busy ? 0.62 : 0.21,
      cpu: busy ? 0.7 : 0.25,
    }
  })
}

/** What a gateway says of itself, made up. */
export function sample(history: readonly Tick[], more: Partial<Snapshot> = {}): Snapshot {
  const now = history.at(-1)!
  return {
    version: 1,
    at: now.at,
    uptime: 3_720_000,
    state: 'shedding',
    because: 'the limit of 18 is reached: 67 % of what arrives is turned away',
    plan: { hash: '0badc0ffee', loads: 2, file: 'sluice.yaml' },
    dryRun: false,
    orders: [],
    now,
    history,
    moves: [
      { at: now.at - 240_000, limit: 'default', from: 24, to: 18, reason: 'latency' },
      { at: now.at - 120_000, limit: 'default', from: 18, to: 24, reason: 'headroom' },
    ],
    limits: [
      {
        name: 'default',
        kind: 'adaptive',
        scope: 'local',
        per: 'all',
        limit: 18,
        inflight: 18,
        queued: 14,
        pressure: 1.2,
      },
      {
        name: 'everybody',
        kind: 'fixed',
        scope: 'fleet',
        per: 'all',
        limit: 300,
        inflight: 18,
        queued: 0,
        pressure: 0.3,
      },
    ],
    lanes: [
      { lane: 'critical', share: 10, offered: 1, admitted: 1, rejected: 0, p99: 51 },
      { lane: 'high', share: 40, offered: 40, admitted: 40, rejected: 0, p99: 66 },
      { lane: 'normal', share: 40, offered: 1100, admitted: 358, rejected: 742, p99: 121 },
      { lane: 'low', share: 10, offered: 40, admitted: 2, rejected: 38, p99: 140 },
    ],
    tenants: [
      { tenant: '3f9a1c77', offered: 610, rejected: 540, share: 51 },
      { tenant: 'b2d08e14', offered: 90, rejected: 12, share: 8 },
    ],
    upstreams: [
      {
        upstream: 'service',
        server: 'http://10.0.0.5:3000',
        healthy: true,
        because: '',
        weight: 1,
        inflight: 10,
        told: 0.91,
        link: 'heard',
        refused: 0,
        mute: 0,
        narrowed: -1,
        answered: 182_334,
        failed: 3,
        breaker: 'closed',
      },
      {
        upstream: 'service',
        server: 'http://10.0.0.6:3000',
        healthy: false,
        because: 'three health checks in a row failed: 503',
        weight: 1,
        inflight: 0,
        told: -1,
        link: 'heard',
        refused: 0,
        mute: 0,
        narrowed: -1,
        answered: 90_120,
        failed: 18,
        breaker: 'open',
      },
    ],
    fleet: [
      {
        limit: 'everybody',
        up: true,
        trouble: '',
        policy: 'share',
        policyInForce: false,
        learning: false,
        sessions: 4,
        used: 212,
        waiting: 9,
        total: 300,
        oldest: 12,
        held: 60,
        inflight: 18,
        queued: 0,
        lapses: 0,
        lanes: [
          { lane: 'high', share: 40, waiting: 0 },
          { lane: 'normal', share: 40, waiting: 3 },
          { lane: 'low', share: 10, waiting: 6 },
        ],
      },
    ],
    degradation: ['read-only'],
    llm: null,
    cache: { entries: 120, bytes: 4_200_000, maxBytes: 67_108_864, hits: 900, misses: 40 },
    rejections: [
      {
        at: now.at - 400,
        code: 'limit_exceeded',
        gate: 'default',
        status: 503,
        because: 'default refused: every slot is busy and the caller would not wait; load 18, limit 18',
        method: 'GET',
        path: '/search',
        lane: 'normal',
        tenant: '3f9a1c77',
        waited: 0,
        retryAfter: 1,
      },
      {
        at: now.at - 900,
        code: 'queue_timeout',
        gate: 'default',
        status: 503,
        because: 'default refused: no slot came free in the time allowed for waiting; load 18, limit 18',
        method: 'POST',
        path: '/<script>alert(1)</script>',
        lane: 'low',
        tenant: 'b2d08e14',
        waited: 812,
        retryAfter: 2,
      },
    ],
    process: { pid: 4242, node: 'v20.20.2', rss: 92_000_000, heapUsed: 31_000_000, loop: 0.62, cpu: 0.7 },
    instances: [
      { name: 'this', count: 1, inflight: 18, queued: 14, held: 60 },
      { name: 'others', count: 3, inflight: 194, queued: 9, held: 152 },
    ],
    ...more,
  }
}
