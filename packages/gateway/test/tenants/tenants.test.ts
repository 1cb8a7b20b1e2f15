import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { Caller } from 'sluice/http'
import { apiKeys } from '../../src/tenants/api-keys.ts'
import { requestReader } from '../../src/routing/index.ts'
import { identification, labels, TopTenants } from '../../src/tenants/index.ts'
import type { TenantsConfig } from '../../src/config/index.ts'

const ADDRESS: TenantsConfig = { from: 'address', required: false, fair: true, max: 10, labels: 'hash' }

describe('apiKeys', () => {
  it('knows whose a key is, written out or as its hash', () => {
    const hash = createHash('sha256').update('another-key-of-ours').digest('hex')
    const find = apiKeys({ a: { key: 'a-key-of-ours-0123', role: 'admin' }, b: { key: `sha256:${hash}` } })
    assert.deepEqual(find('a-key-of-ours-0123'), { tenant: 'a', roles: ['admin'] })
    assert.deepEqual(find('another-key-of-ours'), { tenant: 'b', roles: [] })
    for (const wrong of ['', 'a-key-of-ours-0124', hash, `sha256:${hash}`, '__proto__', 'x'.repeat(10_000)])
      assert.equal(find(wrong), undefined, wrong.slice(0, 40))
  })
})

describe('identification', () => {
  it('by address: one IPv6 address stands for its network, however it is spelled', async () => {
    const identify = await identification(ADDRESS)
    const tenantOf = async (remoteAddress?: string): Promise<unknown> =>
      identify(new Caller({ socket: { remoteAddress } } as IncomingMessage, requestReader))
    for (const spelled of ['2001:db8::1', '2001:db8:0:0:8000::2', '2001:0DB8::3'])
      assert.deepEqual(await tenantOf(spelled), { tenant: '2001:db8:0:0::/64', roles: [] })
    assert.deepEqual(await tenantOf('::ffff:10.1.2.3'), { tenant: '10.1.2.3', roles: [] })
    assert.deepEqual(await tenantOf(undefined), { tenant: 'unknown', roles: [] })
  })
})

describe('labels', () => {
  it('are hashes: the same for the same salt, others for another, and names where that is wanted', () => {
    const [one, again, other] = ['s1', 's1', 's2'].map((salt) => labels({ ...ADDRESS, salt })('acme'))
    assert.match(one!, /^[\da-f]{10}$/)
    assert.equal(one, again)
    assert.notEqual(one, other)
    assert.equal(labels({ ...ADDRESS, labels: 'name' })('acme'), 'acme')
    assert.equal(labels(undefined)('acme'), '')
  })
})

describe('TopTenants', () => {
  it('names who asks most, however many others come', () => {
    const tenants = new TopTenants()
    for (let second = 0; second < 10; second++) {
      for (let i = 0; i < 3000; i++) tenants.offered(`stranger-${second}-${i}`)
      for (let i = 0; i < 500; i++) tenants.offered('loud')
      for (let i = 0; i < 200; i++) tenants.offered('quieter')
      for (let i = 0; i < 100; i++) tenants.rejected('loud')
      tenants.fade()
    }
    const [first, second] = tenants.top(2)
    assert.deepEqual([first?.tenant, second?.tenant], ['loud', 'quieter'])
    assert.ok(first!.offered > 50 && first!.rejected > 10, JSON.stringify(first))
    assert.ok(tenants.top(10_000).length <= 256)
  })

  it('says how much they ask in a second from the first seconds on, before there is a minute to look back on', () => {
    const tenants = new TopTenants()
    for (const seconds of [1, 4, 55, 240]) {
      for (let second = 0; second < seconds; second++) {
        tenants.fade()
        for (let i = 0; i < 100; i++) tenants.offered('acme')
        for (let i = 0; i < 50; i++) tenants.rejected('acme')
      }
      const [acme] = tenants.top(1)
      for (const [said, is] of [
        [acme!.offered, 100],
        [acme!.rejected, 50],
        [tenants.total, 100],
      ] as const)
        assert.ok(said > is * 0.49 && said <= is * 1.001 && (seconds === 1 || said > is * 0.8), `${said} of ${is}`)
    }
  })

  it('forgets within minutes', () => {
    const tenants = new TopTenants()
    for (let i = 0; i < 1000; i++) tenants.offered('yesterday')
    for (let second = 0; second < 900; second++) tenants.fade()
    assert.deepEqual(tenants.top(10), [])
  })
})
