import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isHealthPath } from '../../src/http/index.ts'

describe('isHealthPath', () => {
  it('S3.3 health and metrics paths bypass, with any query string', () => {
    const paths = ['/health', '/health/live', '/health/a/b', '/healthz', '/livez', '/readyz', '/ready', '/live']
    for (const path of [...paths, '/metrics', '/metrics/backpressure']) {
      assert.equal(isHealthPath(path), true, path)
      assert.equal(isHealthPath(`${path}?verbose=1&x=/../y`), true, path)
    }
  })

  it('nothing else does', () => {
    for (const path of [
      '',
      '/',
      '/orders',
      '/healthy',
      '/Health',
      '/livez/x',
      '/metricsx',
      '/h',
      '*',
      'health',
      '/lives',
    ])
      assert.equal(isHealthPath(path), false, path)
    assert.equal(isHealthPath('http://host/health'), false)
    assert.equal(isHealthPath('/orders?x=/health'), false)
  })

  it('a path that a handler may read as another one does not bypass', () => {
    for (const rest of [
      '..',
      '../orders',
      'x/../../orders',
      './x',
      '%2e%2e/orders',
      '..\\orders',
      '%2forders',
      '.hidden',
    ])
      assert.equal(isHealthPath(`/health/${rest}`), false, rest)
  })
})
