import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { byAddress, Door, laneBy, trust, type DoorOptions, type Reader } from '../../src/http/index.ts'
import type { Arrival } from '../../src/index.ts'

interface Request {
  readonly method: string
  readonly target: string
  readonly peer: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

const reader: Reader<Request> = {
  method: ({ method }) => method,
  target: ({ target }) => target,
  header: ({ headers }, name) => headers[name],
  peer: ({ peer }) => peer,
}

const NOW = 1000
const clock = { now: () => NOW, after: () => assert.fail('no timer is needed') }

/** A service with every rule a header could try to bend. */
const rules: DoorOptions<Request> = {
  clock,
  limit: 1,
  key: byAddress,
  deadline: 2000,
  classify: laneBy([
    { lane: 'high', path: '/login', method: 'POST' },
    { lane: 'critical', path: '/admin/*', when: ({ trusted }) => trusted },
    { lane: 'low', path: '/batch/*' },
  ]),
}

function arrivalOf(request: Partial<Request>, options: DoorOptions<Request> = {}): Arrival | undefined {
  const door = new Door<Request>({ ...rules, ...options }, reader)
  return door.arrivalOf({ method: 'GET', target: '/', peer: '203.0.113.9', headers: {}, ...request })
}

/** What a client may write into its headers in the hope of something better, by header. */
const LIES: Readonly<Record<string, readonly string[]>> = {
  priority: ['u=0', 'u=0, i', 'i, u=1', 'u=0;x'],
  'x-priority': ['3', 'critical', 'high'],
  'x-sluice-priority': ['3'],
  'x-forwarded-for': [
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '10.0.0.1',
    '198.51.100.7',
    '10.0.0.1, 198.51.100.7',
    '198.51.100.7, 10.0.0.1',
    'unknown',
    '203.0.113.9, 127.0.0.1',
    '2001:db8::1',
    '[::1]:80',
    '127.0.0.1:80',
    ',',
    ' , ,',
    '010.0.0.1',
    '::ffff:10.0.0.1',
    '"127.0.0.1"',
    `${'1.1.1.1, '.repeat(500)}127.0.0.1`,
  ],
  forwarded: ['for=127.0.0.1', 'for="[::1]"', 'for=10.0.0.1;by=10.0.0.2;host=localhost'],
  'x-real-ip': ['127.0.0.1', '10.0.0.1'],
  'true-client-ip': ['10.0.0.1'],
  'cf-connecting-ip': ['10.0.0.1'],
  'x-client-ip': ['127.0.0.1'],
  'x-tenant': ['acme', 'root'],
  'x-api-key': ['somebody-else'],
  'grpc-timeout': ['99999999H', '1n', '0S', '1S', 'never'],
  'x-envoy-expected-rq-timeout-ms': ['999999999', '0', '1', '-1', 'Infinity'],
  'x-request-timeout': ['999999999', '0.000001', '1', '1ms', '-5'],
  'x-http-method-override': ['POST'],
  'x-original-url': ['/health', '/login', '/admin/x'],
  'x-rewrite-url': ['/admin/x'],
  host: ['localhost', '127.0.0.1'],
  'x-forwarded-host': ['localhost'],
  via: ['1.1 trusted-proxy'],
  authorization: ['Basic YWRtaW46YWRtaW4='],
}

/** Where a client may sit that nobody trusts; some look like a trusted address at a glance. */
const STRANGERS: readonly (string | undefined)[] = [
  '203.0.113.9',
  '::ffff:203.0.113.9',
  '2001:db8:5::9',
  '11.0.0.1',
  '::ffff:11.0.0.1',
  undefined,
]

const TRUST = trust(['10.0.0.0/8', '::1', 'fd00::/8'])

describe('spoofing: what a client writes into its own headers', () => {
  let cases = 0
  for (const [header, lies] of Object.entries(LIES))
    it(`${header} changes nothing, whoever else is trusted`, () => {
      for (const lie of lies)
        for (const peer of STRANGERS)
          for (const options of [{}, { trust: trust([]) }, { trust: TRUST }]) {
            const honest = arrivalOf({ peer }, options)
            assert.deepEqual(
              arrivalOf({ peer, headers: { [header]: lie } }, options),
              honest,
              `${peer}: ${header}: ${lie}`,
            )
            cases++
          }
    })

  it('S3.6 in more than 300 cases', (t) => {
    t.diagnostic(`${cases} cases`)
    assert.ok(cases >= 300, `${cases} cases`)
  })

  it('control: the same lies work where the peer is believed', () => {
    for (const peer of ['10.1.2.3', '::ffff:10.1.2.3', '::1', 'fd00::5']) {
      const honest = arrivalOf({ peer, target: '/x' }, { trust: TRUST, classify: () => undefined })
      const ask = (headers: Record<string, string>): Arrival | undefined =>
        arrivalOf({ peer, headers, target: '/x' }, { trust: TRUST, classify: () => undefined })
      assert.equal(ask({ priority: 'u=0' })?.priority, 3)
      assert.equal(ask({ 'x-forwarded-for': '198.51.100.7' })?.flow, '198.51.100.7')
      assert.equal(ask({ 'x-request-timeout': '1' })?.deadline, NOW + 1000)
      assert.notDeepEqual(ask({ priority: 'u=7' }), honest)
    }
  })

  it('nobody lengthens a deadline, not even a believed peer', () => {
    for (const [header, text] of [
      ['grpc-timeout', '99999999H'],
      ['x-envoy-expected-rq-timeout-ms', '999999999'],
      ['x-request-timeout', '999999999'],
    ] as const)
      assert.equal(arrivalOf({ peer: '10.0.0.1', headers: { [header]: text } }, { trust: TRUST })?.deadline, NOW + 2000)
  })

  it('a rule decides over what a believed peer asks for', () => {
    const request = { peer: '10.0.0.1', target: '/batch/1', headers: { priority: 'u=0' } }
    assert.equal(arrivalOf(request, { trust: TRUST })?.priority, 0)
  })
})

describe('x-forwarded-for behind believed proxies', () => {
  const flowOf = (peer: string, forwarded: string): string | undefined =>
    arrivalOf({ peer, headers: { 'x-forwarded-for': forwarded } }, { trust: TRUST })?.flow

  it('the rightmost address that is not a proxy of ours asks; all left of it may be invented', () => {
    for (const [forwarded, client] of [
      ['198.51.100.7', '198.51.100.7'],
      ['127.0.0.1, 198.51.100.7', '198.51.100.7'],
      ['10.9.9.9, 198.51.100.7, 10.0.0.2', '198.51.100.7'],
      ['1.1.1.1, 198.51.100.7, 10.0.0.3, 10.0.0.2', '198.51.100.7'],
      ['198.51.100.7, ::ffff:10.0.0.2', '198.51.100.7'],
      ['::ffff:198.51.100.7', '198.51.100.7'],
      ['198.51.100.7:4711', '198.51.100.7'],
      ['[2001:db8::7]:4711', '2001:db8:0:0::/64'],
      ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ] as const)
      assert.equal(flowOf('10.0.0.1', forwarded), client, forwarded)
  })

  it('what nobody can read ends the search at the last proxy that is known', () => {
    for (const forwarded of ['unknown', '198.51.100.7, unknown', '198.51.100.7, _hidden', '198.51.100.7,', '010.0.0.1'])
      assert.equal(flowOf('10.0.0.1', forwarded), '10.0.0.1', forwarded)
    assert.equal(flowOf('10.0.0.1', '198.51.100.7, bad, 10.0.0.5'), '10.0.0.5')
  })

  it('a chain longer than any real one is not followed to its end', () => {
    const chain = ['198.51.100.7', ...Array.from({ length: 100 }, () => '10.0.0.2')].join(', ')
    assert.equal(flowOf('10.0.0.1', chain), '10.0.0.2')
  })

  it('all of IPv4 is not one client, however the platform spells it (CVE-2026-30827)', () => {
    const flows = ['::ffff:203.0.113.1', '::ffff:203.0.113.2', '203.0.113.1'].map((peer) => arrivalOf({ peer })?.flow)
    assert.deepEqual(flows, ['203.0.113.1', '203.0.113.2', '203.0.113.1'])
  })
})

describe('a privileged path', () => {
  it('is not what some router may read as another', () => {
    const lane = (target: string): Arrival | undefined => arrivalOf({ target, peer: '10.0.0.1' }, { trust: TRUST })
    assert.equal(lane('/admin/users'), undefined, 'critical: round the gate')
    for (const target of [
      '/admin/../orders',
      '/admin/%2e%2e/orders',
      '/admin//x',
      '/admin\\x',
      '/Admin/users',
      '/adminx',
      '/admin/./x',
    ])
      assert.equal(lane(target)?.priority, 2, target)
  })

  it('login is a matter of method and path, and the query changes nothing', () => {
    assert.equal(arrivalOf({ method: 'POST', target: '/login?next=/x' })?.priority, 3)
    assert.equal(arrivalOf({ method: 'GET', target: '/login' })?.priority, 2)
    assert.equal(arrivalOf({ method: 'POST', target: '/login/' })?.priority, 2)
  })
})

describe('options of a door', () => {
  it('are refused in one line that names them', () => {
    const made = (options: DoorOptions<Request>) => () => new Door<Request>({ ...rules, ...options }, reader)
    for (const [make, message] of [
      [() => trust(['10.0.0.0/33']), /^trust: expected an address, a range .* got "10\.0\.0\.0\/33"/],
      [() => trust(['proxy.internal']), /^trust: .*"proxy\.internal"/],
      [() => trust(['::/129']), /^trust/],
      [() => trust(['constructor']), /^trust: .*"constructor"/],
      [() => trust(['10.0.0.0/']), /^trust/],
      [() => trust('loopback' as unknown as string[]), /^trust: expected a list, got "loopback"/],
      [made({ timeout: 0 }), /^timeout: .* got 0/],
      [made({ deadline: -1 }), /^deadline: .* got -1/],
      [made({ limit: 0 }), /^limit: .* got 0/],
      [() => laneBy([{ lane: 'vip' as 'high' }]), /^classify\[0\]\.lane: .*"vip"/],
      [() => laneBy([{ lane: 'low', path: 'batch' }]), /^classify\[0\]\.path: .*"batch"/],
      [() => laneBy([{ lane: 'low', path: '/*/x' }]), /^classify\[0\]\.path/],
    ] as const)
      assert.throws(make, { name: 'RangeError', message })
  })

  it('trust names what people mean by it', () => {
    const trusted = (name: string, peer: string): boolean =>
      arrivalOf({ peer, headers: { priority: 'u=0' } }, { trust: trust([name]), classify: () => undefined })
        ?.priority === 3
    for (const [name, inside, outside] of [
      ['loopback', '::ffff:127.9.9.9', '128.0.0.1'],
      ['private', '172.31.255.255', '172.32.0.0'],
      ['linklocal', 'fe80::1%eth0', 'fec0::1'],
      ['10.1.0.0/16', '10.1.255.255', '10.2.0.0'],
      ['2001:db8::/33', '2001:db8:7fff::1', '2001:db8:8000::1'],
      ['::ffff:10.0.0.0/104', '10.255.0.1', '11.0.0.1'],
    ] as const) {
      assert.ok(trusted(name, inside), `${name}: ${inside}`)
      assert.ok(!trusted(name, outside), `${name}: ${outside}`)
    }
  })
})
