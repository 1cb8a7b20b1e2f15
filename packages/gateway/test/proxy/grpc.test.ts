import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refusalBelow, statusOfGrpc } from '../../src/proxy/grpc.ts'

const says = (fields: Readonly<Record<string, string>>) => (name: string) => fields[name]

describe('what a status of gRPC means', () => {
  it('a number that is none of the table, and what is no number, is fine', () => {
    for (const code of ['0', '5', '16', '17', '-1', '014', '', 'constructor', 'toString', '__proto__'])
      assert.equal(statusOfGrpc(code), undefined, code)
  })

  it('S2.6 UNAVAILABLE is a 503, RESOURCE_EXHAUSTED a 429, with its pushback as when to come back', () => {
    assert.deepEqual(refusalBelow(says({ 'grpc-status': '14', 'grpc-retry-pushback-ms': '250' })), {
      status: 503,
      headers: ['retry-after-ms', '250'],
    })
    assert.deepEqual(refusalBelow(says({ 'grpc-status': '8' })), { status: 429, headers: [] })
    for (const code of ['0', '4', '13', '8, 8'])
      assert.equal(refusalBelow(says({ 'grpc-status': code, 'grpc-retry-pushback-ms': '250' })), undefined, code)
    assert.equal(refusalBelow(says({ 'grpc-retry-pushback-ms': '250' })), undefined)
  })
})
