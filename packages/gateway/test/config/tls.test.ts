import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  configOf,
  ConfigProblems,
  gatewayPlan,
  jsonSchema,
  redacted,
  tableOf,
  type GatewayPlan,
  type GatewaySettings,
} from '../../src/config/index.ts'

const APP = 'upstreams: { app: { servers: [{ url: "http://127.0.0.1:3000" }] } }\n'

function planOf(text: string, flags: GatewaySettings = {}, environment: Record<string, string> = {}): GatewayPlan {
  return gatewayPlan({ flags, environment, file: configOf('c.yaml', APP + text, {}) })
}

describe('listen.tls', () => {
  it('is off where nothing is said, and on with a certificate and its key', () => {
    assert.equal(planOf('').listen.tls, undefined)
    assert.doesNotMatch(tableOf(planOf('')), /TLS/)
    const plan = planOf('listen: { tls: { cert: c.pem, key: k.pem } }')
    assert.deepEqual(plan.listen.tls, { cert: 'c.pem', key: 'k.pem', minVersion: 'TLSv1.2' })
    assert.match(
      tableOf(plan),
      /^ {2}requests +0\.0\.0\.0:8080 +TLS \(TLSv1\.2 and later, h2 and http\/1\.1\) with c\.pem$/m,
    )
    // Where a key is is no secret.
    assert.deepEqual(redacted(plan).listen.tls, plan.listen.tls)
  })

  it('is made of flags, environment and file, in this order', () => {
    const file = 'listen: { tls: { cert: c.pem, key: k.pem, minVersion: TLSv1.3 } }'
    const environment = { SLUICE_TLS_CERT: 'env.pem', SLUICE_TLS_KEY: 'env.key' }
    const flags = { tlsCert: 'flag.pem' }
    const tls = { cert: 'flag.pem', key: 'env.key', minVersion: 'TLSv1.3' }
    assert.deepEqual(planOf(file, flags, environment).listen.tls, tls)
    assert.deepEqual(planOf('', {}, environment).listen.tls, { cert: 'env.pem', key: 'env.key', minVersion: 'TLSv1.2' })
  })

  for (const [what, text, flags, expected] of [
    ['a certificate without a key', '', { tlsCert: 'c' }, '--tls-key: expected a file beside --tls-cert, got nothing'],
    ['a key without a certificate', '', { tlsKey: 'k' }, '--tls-cert: expected a file beside --tls-key, got nothing'],
    [
      'half of it',
      'listen: { tls: { cert: c } }',
      {},
      'c.yaml:2:11: listen.tls.key: expected the path of a file, got nothing',
    ],
    [
      'an unknown key',
      'listen: { tls: { cert: c, key: k, ciphers: x } }',
      {},
      /listen\.tls\.ciphers: .*an unknown key/,
    ],
    [
      'an old version',
      'listen: { tls: { cert: c, key: k, minVersion: TLSv1 } }',
      {},
      /minVersion: expected TLSv1\.2 or TLSv1\.3/,
    ],
    [
      'a key in place of its path',
      'listen: { tls: { cert: c, key: "a\\nb" } }',
      {},
      /listen\.tls\.key: expected the path of a file, got \*\*\*/,
    ],
  ] as const)
    it(`refuses ${what}`, () => {
      assert.throws(
        () => planOf(text, flags),
        (error) => {
          assert.ok(error instanceof ConfigProblems)
          if (typeof expected === 'string') assert.equal(error.message, expected)
          else assert.match(error.message, expected)
          return true
        },
      )
    })

  it('is known to editors', () => {
    const schema = JSON.stringify(jsonSchema())
    assert.match(schema, /"tls":\{"type":"object","properties":\{"cert":/)
  })
})
