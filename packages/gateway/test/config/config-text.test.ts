import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { configOf, configText, gatewayPlan, type GatewayPlan, type GatewaySettings } from '../../src/config/index.ts'

const EXAMPLE = readFileSync(new URL('../../../../../examples/gateway.yaml', import.meta.url), 'utf8')

const KEYS = { SLUICE_ADMIN_TOKEN: 'a-token-for-operators', SLUICE_REDIS_URL: 'redis://:hidden@127.0.0.1:6379' }

/** Files and flags, and all that can be said in them. */
const CASES: Readonly<Record<string, { file?: string; flags?: GatewaySettings; environment?: object }>> = {
  'flags alone': { flags: { upstream: 'http://127.0.0.1:3000' } },
  'two servers': {
    flags: { upstream: 'http://127.0.0.1:3000', servers: ['http://127.0.0.1:3000', 'http://[::1]:3001'] },
  },
  'a preset': { flags: { upstream: 'http://127.0.0.1:3000', preset: 'production', drainTimeout: 1500 } },
  'models, by what they hold': { flags: { upstream: 'http://127.0.0.1:3000', llm: 'openai' } },
  'a limit of the fleet, by flags': {
    flags: { upstream: 'http://127.0.0.1:3000', maxConcurrent: 30, redis: 'redis://127.0.0.1:1', onDown: 'open' },
  },
  'models by flags': { flags: { upstream: 'http://127.0.0.1:3000', llm: 'anthropic' } },
  'the example': { file: EXAMPLE },
  'a bit of everything': {
    environment: KEYS,
    file: `
listen:
  { host: "::1", port: 1, adminHost: 0.0.0.0, adminPort: 2, adminToken: "\${SLUICE_ADMIN_TOKEN}", h2c: true, clientTimeout: 90s,
    trustedProxies: [10.0.0.0/8, loopback], bodyPace: { bytes: 1.5KiB }, readiness: { above: 29, sheddingAbove: 7 } }
dryRun: true
refusals: problem
redis: { url: "\${SLUICE_REDIS_URL}", prefix: "a $\${b}" }
upstreams:
  a: { servers: [{ url: https://a.example, weight: 2.5 }], health: {}, breaker: { openFor: 1.5s }, http2: true }
  b: { servers: [{ url: http://b.example }], timeouts: { body: 0s }, passive: { failures: 0 }, hostHeader: upstream }
limits:
  default: { kind: adaptive, algorithm: vegas, min: 2, max: 50, initial: 5, queue: { capacity: 7 }, rejectThreshold: 60 }
  one: { kind: fixed, limit: 5, queue: { maxWait: 0s }, by: tenant }
  all: { kind: fixed, limit: 9, scope: fleet, onDown: closed, fleetQueue: 4, instances: 3 }
  often: { kind: rate, requests: 5, per: 1m, burst: 8, wait: 250ms, scope: fleet, onDown: share, by: tenant }
routes:
  - { host: "*.a.example", path: /x/*, methods: [GET], upstream: a, limits: [all, default], timeout: 1h, deadline: 1ms, lane: low }
  - { upstream: b, limits: [], websocket: handshake, name: rest }
lanes: { shares: { critical: 0, high: 30, normal: 60, low: 10 }, rules: [{ lane: high, path: /login, tenant: acme }] }
tenants: { from: jwt, jwks: https://keys.example/set, algorithms: [ES256], required: true, max: 5, labels: name }
degradation: [{ step: read-only, above: 29, until: 7 }, { step: cached-only }]
cache: { maxEntry: 3B, assume: 1s }
`,
  },
}

function planOf({ file, flags = {}, environment = {} }: (typeof CASES)[string]): GatewayPlan {
  return gatewayPlan({
    flags,
    environment: {},
    file: file === undefined ? undefined : configOf('a.yaml', file, environment as Record<string, string>),
  })
}

/** Without what is not there: an optional field may be missing, or be undefined. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('a plan as a file', () => {
  for (const [name, sources] of Object.entries(CASES))
    it(`makes the same plan: ${name}`, () => {
      const plan = planOf(sources)
      const text = configText(plan)
      const { tenants } = plan
      const keys = Object.entries(tenants?.from === 'api-key' ? tenants.keys : {})
      const variables = Object.fromEntries(keys.map(([of, { key }]) => [`SLUICE_KEY_${of.toUpperCase()}`, key]))
      assert.deepEqual(plain(planOf({ file: text, environment: { ...KEYS, ...variables } })), plain(plan), text)
    })

  it('says only what is no default', () => {
    const text = configText(planOf({ flags: { upstream: 'http://127.0.0.1:3000' } }))
    assert.equal(
      text,
      `upstreams:
  default:
    servers:
      - url: http://127.0.0.1:3000
routes:
  - name: all
    upstream: default
    limits:
      - default
limits:
  default:
    kind: adaptive
`,
    )
  })

  it('has variables in the place of secrets, none of which it tells', () => {
    const secret = 'hush-hush-hush-hush-hush-hush-hush-hush'
    const upstreams = 'upstreams: { app: { servers: [{ url: http://127.0.0.1:1 }] } }\n'
    for (const [section, variable] of [
      [`listen: { adminToken: ${secret} }`, 'SLUICE_ADMIN_TOKEN'],
      [`tenants: { from: api-key, keys: { big-co: { key: ${secret} } } }`, 'SLUICE_KEY_BIG_CO'],
      [`tenants: { from: jwt, secret: ${secret} }`, 'SLUICE_JWT_SECRET'],
      [`tenants: { from: jwt, jwks: "https://keys.example/set?key=${secret}" }`, 'SLUICE_JWKS'],
      [`tenants: { from: address, salt: ${secret} }`, 'SLUICE_TENANT_SALT'],
      [
        `redis: { url: "redis://:${secret}@127.0.0.1:1" }\nlimits: { default: { kind: fixed, limit: 1, scope: fleet, onDown: open } }`,
        'SLUICE_REDIS_URL',
      ],
      [`llm: { dialect: openai, key: ${secret} }`, 'SLUICE_LLM_KEY'],
    ] as const) {
      const text = configText(planOf({ file: upstreams + section }))
      assert.doesNotMatch(text, /hush/)
      assert.ok(text.includes(`\${${variable}}`), text)
    }
  })

  it('says what no file can say', () => {
    const text = configText(planOf({ flags: { upstream: 'http://127.0.0.1:3000', trustForwarded: true } }))
    assert.match(text, /^# .*--trust-forwarded/)
  })
})
