import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { upstreamUrl } from '../../src/config/index.ts'

describe('upstreamUrl', () => {
  it('reads origins', () => {
    assert.equal(upstreamUrl('u', 'http://127.0.0.1:3000').origin, 'http://127.0.0.1:3000')
    assert.equal(upstreamUrl('u', 'https://api.example/').origin, 'https://api.example')
    assert.equal(upstreamUrl('u', 'http://[::1]:80').host, '[::1]')
  })

  for (const value of [
    'nope',
    '127.0.0.1:3000',
    'ftp://a',
    'http://a/b',
    'http://a/?q',
    'http://a/#f',
    'http://u@a/',
    '',
  ])
    it(`refuses ${JSON.stringify(value)}`, () => {
      assert.throws(() => upstreamUrl('--upstream', value), /^ConfigError: --upstream is ".*"; expected an origin like/)
    })

  it('does not repeat a password', () => {
    assert.throws(
      () => upstreamUrl('--upstream', 'http://user:secret@a/'),
      (error: Error) => !error.message.includes('secret'),
    )
  })
})
