import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readRefusal } from '../../src/load/refusal.ts'

function refusal(body: string, retryAfter?: string): ReturnType<typeof readRefusal> {
  return readRefusal({ status: 503, body, header: (name) => (name === 'retry-after' ? retryAfter : undefined) })
}

describe('readRefusal', () => {
  it('S3.3 knows the code of the envelope and of problem details', () => {
    assert.deepEqual(refusal('{"success":false,"error":{"code":"QUEUE_FULL"}}', '1'), {
      reason: 'QUEUE_FULL',
      explained: true,
    })
    assert.deepEqual(refusal('{"type":"about:blank","code":"SHED"}', '5'), { reason: 'SHED', explained: true })
  })

  it('S3.3 calls nothing else explained', () => {
    const body = '{"error":{"code":"QUEUE_FULL"}}'
    for (const retryAfter of [undefined, '', 'soon', '1.5', '-1'])
      assert.equal(refusal(body, retryAfter).explained, false, retryAfter)
    for (const bad of [
      '',
      'Service Unavailable',
      'null',
      '[]',
      '{"error":null}',
      '{"error":{"code":7}}',
      '{"code":""}',
    ])
      assert.deepEqual(refusal(bad, '1'), { reason: 'status 503', explained: false }, bad)
  })
})
