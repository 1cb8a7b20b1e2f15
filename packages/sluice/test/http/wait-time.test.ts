import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { waitHeaders } from '../../src/http/index.ts'

describe('waitHeaders', () => {
  it('S3.3 a wait of over 100 ms is told in seconds with three decimals', () => {
    assert.deepEqual(waitHeaders(1234.5678), [
      ['x-queue-wait-time', '1.235'],
      ['server-timing', 'sluice;dur=1234.6'],
    ])
    assert.equal(waitHeaders(100.4)?.[0]?.[1], '0.100')
  })

  it('S3.3 a shorter one is not told', () => {
    for (const waited of [0, 99, 100, Number.NaN]) assert.equal(waitHeaders(waited), undefined, String(waited))
  })
})
