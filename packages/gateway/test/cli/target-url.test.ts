import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { forbidden, targetUrl } from '../../src/cli/target-url.ts'

describe('targetUrl', () => {
  it('takes http with a path and a query', () => {
    assert.equal(targetUrl('--target', 'http://127.0.0.1:3000/a?b=c').href, 'http://127.0.0.1:3000/a?b=c')
  })

  it('refuses the rest and hides passwords', () => {
    for (const bad of ['https://localhost/', 'localhost:3000', '', 'ftp://localhost/'])
      assert.throws(() => targetUrl('--target', bad), /^ConfigError: --target is ".*"; expected an http URL like/)
    assert.throws(
      () => targetUrl('--target', 'http://me:secret@localhost/'),
      (error: unknown) => error instanceof Error && !error.message.includes('secret'),
    )
  })
})

describe('forbidden', () => {
  it('is any machine but this one, unless it is allowed', () => {
    for (const own of ['http://127.0.0.1/', 'http://127.9.9.9:80/', 'http://localhost:1/', 'http://[::1]:3000/x'])
      assert.equal(forbidden(new URL(own), false), undefined, own)
    for (const other of ['http://10.0.0.1/', 'http://example.org/', 'http://localhost.example.org/', 'http://[::2]/']) {
      assert.match(forbidden(new URL(other), false) ?? '', /is not this machine.*--allow-remote/, other)
      assert.equal(forbidden(new URL(other), true), undefined)
    }
    // The shorthand of an address is that address.
    assert.equal(forbidden(new URL('http://127.1/'), false), undefined)
  })
})
