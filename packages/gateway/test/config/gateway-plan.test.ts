import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  configOf,
  ConfigError,
  ConfigProblems,
  describeGatewayPlan,
  gatewayPlan,
  redacted,
  tableOf,
  type Environment,
  type GatewayPlan,
  type GatewaySettings,
} from '../../src/config/index.ts'

const APP = 'upstreams: { app: { servers: [{ url: "http://127.0.0.1:3000" }] } }\n'

function planOf(text: string, flags: GatewaySettings = {}, environment: Environment = {}): GatewayPlan {
  return gatewayPlan({ flags, environment, file: configOf('c.yaml', text, environment) })
}

function wrong(text: string, flags: GatewaySettings = {}, environment: Environment = {}): string {
  try {
    planOf(text, flags, environment)
  } catch (error) {
    if (error instanceof ConfigProblems || error instanceof ConfigError) return error.message
    throw error
  }
  return ''
}

describe('gatewayPlan', () => {
  it('S3.4 flags win over the environment, it over the file, that over the defaults', () => {
    const text = `${APP}listen: { port: 1 }\nlimits: { default: { kind: fixed, limit: 10, queue: { capacity: 5 } } }`
    assert.equal(gatewayPlan({ flags: { upstream: 'http://a:1' } }).listen.port, 8080)
    assert.equal(planOf(text).listen.port, 1)
    assert.equal(planOf(text, {}, { PORT: '2' }).listen.port, 2)
    assert.equal(planOf(text, {}, { PORT: '2', SLUICE_PORT: '3' }).listen.port, 3)
    assert.equal(planOf(text, { port: 4 }, { SLUICE_PORT: '3' }).listen.port, 4)
    const limit = planOf(text, { queueCapacity: 9 }, { BACKPRESSURE_MAX_CONCURRENT: '20' }).limits['default']
    assert.deepEqual(limit, {
      kind: 'fixed',
      permits: 20,
      queue: { capacity: 9, maxWait: 3000 },
      threshold: undefined,
      by: 'all',
      fleet: undefined,
    })
  })

  it('does not ask itself: each request would go round until no slot is left', () => {
    const own = (port: number): string =>
      `expected another address than that of the gateway itself, whose port is ${port} (--port), got`
    assert.equal(
      wrong(APP, { port: 3000 }),
      `c.yaml:1:33: upstreams.app.servers[0].url: ${own(3000)} "http://127.0.0.1:3000"`,
    )
    assert.equal(wrong('', { upstream: 'http://localhost:8080' }), `--upstream: ${own(8080)} "http://localhost:8080"`)
    assert.match(wrong('', { upstream: 'http://[::1]', port: 80, host: '127.0.0.1' }), /^--upstream: expected another/)
    assert.match(
      wrong('', { upstream: 'https://10.0.0.1', port: 443, host: '10.0.0.1' }),
      /^--upstream: expected another/,
    )
    for (const [upstream, host] of [
      ['http://127.0.0.1:8080', '10.0.0.1'],
      ['http://10.0.0.1:8080', '0.0.0.0'],
      ['http://127.0.0.1:8081', '127.0.0.1'],
    ] as const)
      assert.equal(wrong('', { upstream, host }), '')
    assert.equal(wrong(APP, { port: 0 }), '')
  })

  it('wants two ports, not one, where the addresses are the same', () => {
    assert.equal(
      wrong(`${APP}listen: { port: 9090 }`),
      'c.yaml:2:1: listen.adminPort: expected another port than that for requests, got 9090',
    )
    assert.match(wrong(APP, { port: 1 }, { SLUICE_ADMIN_PORT: '1' }), /listen\.adminPort: expected another port/)
    const local = `${APP}listen: { host: 127.0.0.1, port: 1, adminPort: 1 }`
    assert.match(wrong(local), /listen\.adminPort: expected another port/)
    assert.equal(wrong(local, { adminHost: '127.0.0.2' }), '')
    assert.equal(wrong(APP, { port: 0, adminPort: 0 }), '')
  })

  it('S3.4 a bad variable is one line, whatever else is said', () => {
    for (const [name, value] of [
      ['SLUICE_PORT', 'x'],
      ['PORT', '70000'],
      ['SLUICE_UPSTREAM', 'nope'],
      ['SLUICE_PRESET', 'prod'],
      ['SLUICE_REDIS_URL', 'http://x'],
      ['SLUICE_ON_DOWN', 'maybe'],
      ['SLUICE_HOST', '999.1.1.1'],
      ['SLUICE_ADMIN_TOKEN', 'tooshort'],
      ['BACKPRESSURE_MAX_CONCURRENT', '0'],
    ] as const)
      assert.match(wrong(APP, {}, { [name]: value }), new RegExp(`^${name} is "[^"]*"; expected [^\\n]+$`))
  })

  it('S3.4 switches are said in the same words, whichever it is', () => {
    for (const [word, on] of [
      ['1', true],
      ['Yes', true],
      ['off', false],
    ] as const) {
      assert.equal(planOf(APP, {}, { SLUICE_DRY_RUN: word }).dryRun, on)
      assert.equal(planOf(APP, {}, { ENABLE_BACKPRESSURE: word }).limits['default'] !== undefined, on)
    }
    assert.equal(wrong(APP, {}, { SLUICE_DRY_RUN: '2' }), 'SLUICE_DRY_RUN is "2"; expected true or false')
  })

  it('S3.4 ENABLE_BACKPRESSURE=false lets everybody in, on every route', () => {
    const text = `${APP}limits: { a: { kind: fixed, limit: 1 } }\nroutes: [{ limits: [a] }, { path: /x }]`
    const plan = planOf(text, {}, { ENABLE_BACKPRESSURE: 'false' })
    assert.deepEqual(
      plan.routes.map(({ limits }) => limits),
      [[], []],
    )
    assert.match(describeGatewayPlan(plan), /everybody is let in/)
  })

  it('S3.2 the production preset has its numbers and its lanes', () => {
    const plan = planOf(`${APP}preset: production`)
    const limit = plan.limits['default']
    assert.ok(limit?.kind === 'fixed')
    assert.deepEqual([limit.permits, limit.queue, limit.threshold], [100, { capacity: 1000, maxWait: 3000 }, 1100])
    assert.deepEqual(plan.lanes?.shares, { critical: 0, high: 30, normal: 60, low: 10 })
    // A limit of the file is more than a preset of the file, and a preset of the command line more than both.
    const own = `${APP}preset: production\nlimits: { default: { kind: fixed, limit: 7 } }`
    const seven = planOf(own).limits['default']
    assert.ok(seven?.kind === 'fixed' && seven.permits === 7)
    const twenty = planOf(own, { preset: 'development' }).limits['default']
    assert.ok(twenty?.kind === 'fixed' && twenty.permits === 20)
  })

  it('S3.6 lanes are 10/40/40/10 where nothing else is said', () => {
    assert.deepEqual(planOf(`${APP}lanes: {}`).lanes?.shares, { critical: 10, high: 40, normal: 40, low: 10 })
    assert.equal(planOf(APP).lanes, undefined)
    assert.ok(planOf(`${APP}routes: [{ lane: low }]`).lanes !== undefined)
  })

  it('S3.12 steps are read-only above 90 and cached-only above 95 %, each lifted 10 lower', () => {
    const plan = planOf(`${APP}degradation: [{ step: read-only }, { step: cached-only }]`)
    assert.deepEqual(plan.degradation, [
      { step: 'read-only', above: 0.9, until: 0.8 },
      { step: 'cached-only', above: 0.95, until: 0.85 },
    ])
    assert.ok(plan.cache !== undefined)
  })

  it('S3.5 --redis with --on-down makes the default limit one of the fleet', () => {
    const flags: GatewaySettings = { upstream: 'http://a:1', redis: 'redis://r', onDown: 'closed', maxConcurrent: 300 }
    const limit = gatewayPlan({ flags }).limits['default']
    assert.ok(limit?.kind === 'fixed' && limit.fleet?.onDown === 'closed' && limit.permits === 300)
  })

  it('one upstream of a file is replaced by --upstream, of several none can be meant', () => {
    assert.equal(planOf(APP, { upstream: 'http://b:2' }).upstreams['app']?.servers[0]?.url, 'http://b:2')
    const two =
      'upstreams: { a: { servers: [{ url: "http://a:1" }] }, b: { servers: [{ url: "http://b:1" }] } }\nroutes: [{ upstream: a }]'
    assert.match(wrong(two, { upstream: 'http://c:1' }), /^--upstream: expected nothing beside a file with several/)
  })

  for (const [what, text, says] of [
    ['no upstream', '', /--upstream/],
    [
      'an upstream there is not',
      `${APP}routes: [{ upstream: ap }]`,
      /c\.yaml:2:12: routes\[0\]\.upstream: expected one of app; perhaps app/,
    ],
    [
      'a limit there is not',
      `${APP}routes: [{ limits: [defalt] }]`,
      /routes\[0\]\.limits\[0\]: expected one of default; perhaps default/,
    ],
    [
      'two routes of one name',
      `${APP}routes: [{ name: a }, { name: a }]`,
      /routes\[1\]\.name: expected a name that no other/,
    ],
    [
      'a fleet without Redis',
      `${APP}limits: { a: { kind: fixed, limit: 3, scope: fleet, onDown: open } }`,
      /redis: expected a Redis/,
    ],
    [
      'a fleet without a policy',
      `${APP}redis: { url: "redis://r" }\nlimits: { a: { kind: fixed, limit: 3, scope: fleet } }`,
      /limits\.a\.onDown: expected share, open or closed/,
    ],
    [
      'a policy without a fleet',
      `${APP}limits: { a: { kind: fixed, limit: 3, onDown: open } }`,
      /onDown: expected nothing without scope: fleet/,
    ],
    [
      'lanes that would starve in strict order',
      `${APP}redis: { url: "redis://r" }\nlanes: {}\nlimits: { a: { kind: fixed, limit: 3, scope: fleet, onDown: open, order: strict } }`,
      /limits\.a\.order: expected share where there are lanes .*, got "strict"/,
    ],
    [
      'lanes of the preset that would starve in strict order',
      `${APP}redis: { url: "redis://r" }\npreset: production\nlimits: { a: { kind: fixed, limit: 3, scope: fleet, onDown: open, order: strict } }`,
      /limits\.a\.order: expected share where there are lanes .*, got "strict"/,
    ],
    [
      'a fixed fleet limit by tenant',
      `${APP}redis: { url: "redis://r" }\ntenants: { from: address }\nlimits: { a: { kind: fixed, limit: 3, scope: fleet, onDown: open, by: tenant } }`,
      /limits\.a\.scope: expected local/,
    ],
    [
      'tenants nobody tells apart',
      `${APP}limits: { a: { kind: rate, requests: 3, by: tenant } }`,
      /limits\.a\.by: expected all, or a tenants section/,
    ],
    [
      'a threshold below the limit',
      `${APP}limits: { a: { kind: fixed, limit: 9, rejectThreshold: 5 } }`,
      /at least the 9/,
    ],
    [
      'an initial limit out of bounds',
      `${APP}limits: { a: { kind: adaptive, min: 5, max: 9, initial: 3 } }`,
      /limits\.a\.initial: expected from min to max/,
    ],
    [
      'a first limit that the algorithm would not begin with',
      `${APP}limits: { a: { kind: adaptive, algorithm: vegas, initial: 5 } }`,
      /limits\.a\.initial: expected /,
    ],
    [
      'shares that are not 100',
      `${APP}lanes: { shares: { high: 50 } }`,
      /lanes\.shares: expected shares that are 100 together, not 110/,
    ],
    ['roles nobody knows', `${APP}lanes: { rules: [{ lane: high, role: admin }] }`, /lanes\.rules\[0\]\.role/],
    [
      'a tenant header that anybody can send',
      `${APP}tenants: { from: header, header: x-tenant }`,
      /tenants\.header: expected listen\.trustedProxies/,
    ],
    [
      'a token without a key',
      `${APP}tenants: { from: jwt }`,
      /tenants: expected exactly one of secret, publicKeyFile and jwks/,
    ],
    [
      'a public key as a secret',
      `${APP}tenants: { from: jwt, publicKeyFile: k.pem, algorithms: [HS256] }`,
      /tenants\.algorithms\[0\]: expected an algorithm with a public key/,
    ],
    [
      'two tenants with one key',
      `${APP}tenants: { from: api-key, keys: { a: { key: aaaaaaaaaaaaaaaa }, b: { key: aaaaaaaaaaaaaaaa } } }`,
      /tenants\.keys\.b\.key: expected a key that a does not have, got \*\*\*/,
    ],
    [
      'an open admin port without a token',
      `${APP}listen: { adminHost: 0.0.0.0 }`,
      /listen\.adminToken: expected a token/,
    ],
    [
      'steps in the wrong order',
      `${APP}degradation: [{ step: cached-only }, { step: read-only }]`,
      /degradation\[1\]\.above: expected steps in the order/,
    ],
    [
      'a step that is lifted before it comes',
      `${APP}degradation: [{ step: read-only, above: 50, until: 60 }]`,
      /degradation\[0\]\.until: expected at most above/,
    ],
    ['a cache nobody asks', `${APP}cache: {}`, /cache: expected a step cached-only/],
    [
      'answers of unsaid length that would never fit',
      `${APP}llm: { dialect: anthropic, limits: [{ model: m, provider: generic, tpm: 1000 }] }`,
      /llm\.limits\[0\]: expected maxOutput at most 1000: else what does not say less would never fit/,
    ],
    [
      'such answers, where the limit says how long',
      `${APP}llm: { dialect: openai, limits: [{ model: m, provider: generic, tpm: 1000, maxOutput: 2000 }] }`,
      /llm\.limits\[0\]\.maxOutput: expected at most 1000: else .*, got 2000$/,
    ],
    [
      'a link-local upstream',
      'upstreams: { app: { servers: [{ url: "http://a:1" }, { url: "http://0xA9FEA9FE" }] } }',
      /^c\.yaml:1:\d+: upstreams\.app\.servers\[1\]\.url: expected an address that is neither link-local nor of cloud metadata, or upstreams\.app\.allowLinkLocal: true, got "http:\/\/0xA9FEA9FE"$/,
    ],
    [
      'a key set at a metadata address',
      `${APP}tenants: { from: jwt, jwks: "https://[fd00:ec2::254]/keys" }`,
      /tenants\.jwks: expected an address .*, or tenants\.allowLinkLocal: true, got "https:\/\/\[fd00:ec2::254\]\/keys"$/,
    ],
  ] as const)
    it(`finds ${what}, with its place`, () => {
      const message = wrong(text)
      assert.match(message, says)
      assert.equal(message.split('\n').length, 1, message)
    })

  it('connects to link-local addresses where the configuration says so, and to private ones anyway', () => {
    const server = 'servers: [{ url: "http://169.254.169.254" }]'
    planOf(`upstreams: { app: { ${server}, allowLinkLocal: true } }`)
    planOf(`${APP}tenants: { from: jwt, jwks: "https://169.254.169.254/keys", allowLinkLocal: true }`)
    for (const host of ['127.0.0.1', '10.1.2.3', '192.168.1.1', '[::1]', '[fd12::1]'])
      planOf(`upstreams: { app: { servers: [{ url: "http://${host}" }] } }`)
    assert.match(
      wrong('', { upstream: 'http://169.254.169.254' }),
      /^--upstream: expected an address that is neither link-local .*, got "http:\/\/169\.254\.169\.254"$/,
    )
    assert.match(wrong(APP, { servers: ['http://10.0.0.1', 'http://169.254.0.9'] }), /^--upstream: .*169\.254\.0\.9"$/)
  })

  it('S3.6 says in its table over what lanes have their shares', () => {
    const limits = `limits:
  own: { kind: fixed, limit: 3 }
  everybody: { kind: fixed, limit: 300, scope: fleet, onDown: share }
  rate: { kind: rate, requests: 3 }`
    const text = `${APP}redis: { url: "redis://r" }\n${limits}`
    const lines = tableOf(planOf(`${text}\nlanes: {}`)).split('\n')
    const row = (name: string): string => lines.find((line) => line.startsWith(`  ${name} `)) ?? ''
    assert.match(row('own'), /lanes of this gateway$/)
    assert.match(row('everybody'), /everywhere together, share without Redis +lanes of all gateways$/)
    assert.doesNotMatch(row('rate'), /lanes/)
    assert.doesNotMatch(tableOf(planOf(text)), /lanes/)
  })

  it('tells nothing of its secrets', () => {
    const text = `${APP}listen: { adminToken: hunter2hunter2hunter2 }
redis: { url: "redis://:hunter2@r" }
tenants: { from: api-key, salt: hunter2, keys: { a: { key: hunter2hunter2hunter2 } } }
limits: { default: { kind: fixed, limit: 3, scope: fleet, onDown: open } }`
    const plan = planOf(text)
    assert.match(JSON.stringify(plan), /hunter2/)
    assert.doesNotMatch(JSON.stringify(redacted(plan)), /hunter2/)
    assert.doesNotMatch(tableOf(plan), /hunter2/)
  })

  it('every configuration that is accepted can be written down and read again as the same plan', () => {
    const limit = fc.oneof(
      fc.record(
        { kind: fc.constant('adaptive'), queue: fc.record({ capacity: fc.nat(1000) }, { requiredKeys: [] }) },
        { requiredKeys: ['kind'] },
      ),
      fc.record(
        {
          kind: fc.constant('fixed'),
          limit: fc.integer({ min: 1, max: 1000 }),
          rejectThreshold: fc.integer({ min: 1, max: 3000 }),
        },
        { requiredKeys: ['kind', 'limit'] },
      ),
      fc.record(
        {
          kind: fc.constant('rate'),
          requests: fc.integer({ min: 1, max: 1000 }),
          per: fc.constantFrom('1s', '100ms', '1.5m'),
        },
        { requiredKeys: ['kind', 'requests'] },
      ),
    )
    const config = fc.record(
      {
        listen: fc.record(
          { port: fc.nat(65_535), trustedProxies: fc.subarray(['loopback', '10.0.0.0/8', '::1']) },
          { requiredKeys: [] },
        ),
        upstreams: fc.constant({ app: { servers: [{ url: 'http://127.0.0.1:3000' }] } }),
        limits: fc.dictionary(fc.constantFrom('default', 'a', 'b'), limit, { maxKeys: 3 }),
        routes: fc.array(
          fc.record(
            {
              path: fc.constantFrom('/a', '/b/*'),
              limits: fc.subarray(['default', 'a']),
              lane: fc.constantFrom('high', 'low'),
            },
            { requiredKeys: [] },
          ),
          { minLength: 1, maxLength: 3 },
        ),
        preset: fc.constantFrom('development', 'production'),
        dryRun: fc.boolean(),
        degradation: fc.constant([{ step: 'read-only' }]),
      },
      { requiredKeys: ['upstreams'] },
    )
    let accepted = 0
    fc.assert(
      fc.property(config, (data) => {
        const text = JSON.stringify(data)
        if (wrong(text) !== '') return
        accepted++
        const plan = planOf(text)
        assert.deepEqual(planOf(JSON.stringify(JSON.parse(text), undefined, 2)), plan)
        // Plain data: nothing is lost on the way to a file, a page, another process.
        assert.deepEqual(JSON.parse(JSON.stringify(plan)), JSON.parse(JSON.stringify(redacted(plan))))
        assert.ok(tableOf(plan).length > 0)
      }),
      { numRuns: 500 },
    )
    assert.ok(accepted > 100, `only ${accepted} accepted`)
  })
})
