import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { METRICS, WAIT_METRIC } from '../../src/observe/index.ts'

describe('the page of the metrics', () => {
  const page = readFileSync(new URL('../../../../../docs/metrics.md', import.meta.url), 'utf8')
  const named = [...page.matchAll(/^\| `backpressure_(\w+)` \| `backpressure\.(\w+)`/gm)]

  it('names every metric, and none that is not there', () => {
    const names = [...METRICS.map(({ name }) => name), WAIT_METRIC.name]
    assert.deepEqual(
      named.map(([, prometheus]) => prometheus),
      names,
    )
    assert.deepEqual(
      named.map(([, , otel]) => otel),
      names.map((name) => name.replace(/_(total|seconds)$/, '')),
    )
  })
})
