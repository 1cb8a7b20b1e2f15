import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLoopbackHost } from '../../src/admin/loopback-host.ts'

describe('isLoopbackHost', () => {
  for (const host of [
    'localhost',
    'LOCALHOST:9090',
    'a.localhost',
    '127.0.0.1',
    '127.0.0.1:9090',
    '[::1]',
    '[::1]:9090',
    '10.0.0.1',
  ])
    it(`takes ${host}`, () => assert.equal(isLoopbackHost(host), true))

  for (const host of [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'localhost@evil',
    'evil.example/.localhost',
    'evil.example\\.localhost',
    'evil.example?.localhost',
    '',
    '[evil]',
    'a:b:c',
    '1.2.3',
  ])
    it(`does not take ${JSON.stringify(host)}`, () => assert.equal(isLoopbackHost(host), false))

  it('takes a request that names none, which no browser sends', () => assert.equal(isLoopbackHost(undefined), true))
})
