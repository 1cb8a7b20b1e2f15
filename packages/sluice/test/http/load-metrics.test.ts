import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadTold, quotaSpentFor, retryAfterTold } from '../../src/clients/undici.ts'
import { loadFormatOf, loadMetrics, refuse } from '../../src/http/index.ts'
import { Rejection } from '../../src/index.ts'

describe('what a server says of itself, as its clients read it', () => {
  it('S2.6 the load is read as it was told, in either format', () => {
    for (const format of ['TEXT', 'JSON', ' text ']) {
      const told = loadMetrics(format, 0.98765)
      assert.equal(loadTold((name) => (name === 'endpoint-load-metrics' ? told : undefined))?.utilization, 0.988)
    }
    for (const [format, load] of [
      ['BIN', 1],
      [undefined, 1],
      ['TEXT', undefined],
      ['TEXT', NaN],
      ['JSON', Infinity],
    ] as const)
      assert.equal(loadMetrics(format, load), undefined)
  })

  it('asked in any case of letters, and only by name', () => {
    assert.equal(loadFormatOf(['Host', 'a', 'Endpoint-Load-Metrics-Format', 'JSON']), 'JSON')
    assert.equal(loadFormatOf(['x', 'endpoint-load-metrics-format']), undefined)
  })

  it('S2.6 no room at once is no spent quota; a spent quota is one, and nobody may come back earlier than its end', () => {
    const reading = (rejection: Rejection) => {
      const { headers } = refuse(rejection)
      const header = (name: string): string | undefined => headers[name]
      return [quotaSpentFor(header), retryAfterTold(header)]
    }
    assert.deepEqual(reading(new Rejection('queue_full', 'api', 101, 100)), [undefined, 1000])
    assert.deepEqual(reading(new Rejection('overload', 'api', 101, 100, 1500)), [undefined, 1500])
    assert.deepEqual(reading(new Rejection('rate_limited', 'tenant', 1, 0.2, 2500)), [3000, 2500])
    assert.deepEqual(reading(new Rejection('shed', 'api', 3, 1)), [undefined, 5000])
    assert.deepEqual(reading(new Rejection('rate_limited', 'Mieter ä', 1, 0, 2500)), [undefined, 2500])
  })
})
