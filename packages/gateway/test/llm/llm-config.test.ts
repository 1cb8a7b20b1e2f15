import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { configOf, ConfigProblems, gatewayPlan, redacted, tableOf, type GatewayPlan } from '../../src/config/index.ts'

const ONE = "upstreams: { models: { servers: [{ url: 'http://127.0.0.1:1' }] } }\n"

function planOf(section: string, rest = ''): GatewayPlan {
  return gatewayPlan({ file: configOf('f.yaml', `${ONE}${rest}llm: ${section}\n`, { SOME_KEY: 'secret' }) })
}

const BAD = [
  ['{ dialect: gopher }', /openai or anthropic/],
  ['{ dialect: openai, inflight: { tokens: 1000 } }', /llm\.maxOutput.*inflight\.tokens, which is 1000/],
  ['{ dialect: openai, queue: { max: -1 } }', /llm\.queue\.max.*-1/],
  ['{ dialect: openai, maxBody: 2MiB, queue: { bytes: 1MiB } }', /llm\.maxBody.*at most queue\.bytes/],
  ["{ dialect: openai, key: '${NO_SUCH_KEY}' }", /NO_SUCH_KEY to be set/],
  ['{ dialect: openai, limits: [{ model: m, rpm: -5 }] }', /llm\.limits.*rpm/],
  ['{ dialect: openai, limits: [{ model: m, provider: generic, tpm: 1000 }] }', /expected maxOutput at most 1000/],
  ['{ dialect: openai, limits: [{ model: m }] }', /llm\.limits/],
  ['{ dialect: openai, limits: [{ model: m, itpm: 5 }] }', /llm\.limits/],
  ['{ dialect: openai, limits: [{ model: m, rpm: 5 }, { model: m, rpm: 5 }] }', /each model once/],
  ['{ dialect: openai, limits: [{ model: m, rpm: 5 }], scope: fleet }', /a Redis/],
  ['{ dialect: openai, limits: [{ model: m, rpm: 5 }], onDown: closed }', /llm\.onDown.*nothing without scope: fleet/],
  ['{ dialect: openai, overflow: { upstream: other } }', /overflow\.upstream.*a second upstream/],
  ['{ dialect: openai, overflow: { batch: models } }', /overflow\.batch.*a second upstream/],
  ['{ dialect: openai, overflow: { count: 5 } }', /llm\.overflow.*upstream, cached or batch/],
  ['{ dialect: openai, usage: some }', /llm\.usage.*pass or inject/],
  ['{ dialect: openai, upstream: other }', /llm\.upstream.*one of models/],
  ['{ dialect: openai, speed: 5 }', /speed/],
] as const

describe('S2.3 the section llm', () => {
  for (const [section, words] of BAD)
    it(`refuses ${section}`, () => {
      assert.throws(
        () => planOf(section),
        (error) => {
          assert.ok(error instanceof ConfigProblems)
          assert.equal(error.message.split('\n').length, 1, error.message)
          assert.match(error.message, words)
          return true
        },
      )
    })

  it('takes what makes sense, and no other limit stands in front unless one is asked for', () => {
    const plan = planOf('{ dialect: openai }')
    assert.deepEqual(plan.limits, {})
    assert.deepEqual(plan.routes[0]!.limits, [])
    assert.deepEqual(plan.llm!.queue, {
      max: 1000,
      bytes: 2 ** 26,
      tokens: 1e7,
      maxWait: 120_000,
      hold: 15_000,
      reserve: 5,
    })
    const gated = planOf('{ dialect: openai }', 'limits: { default: { kind: fixed, limit: 5 } }\n')
    assert.deepEqual(gated.routes[0]!.limits, ['default'])
    assert.deepEqual(planOf('{ dialect: openai }', 'preset: staging\n').routes[0]!.limits, ['default'])
  })

  it('the flags say it as well, and nothing without models', () => {
    const plan = gatewayPlan({ file: configOf('f.yaml', ONE, {}), flags: { llm: 'openai', llmUsage: 'inject' } })
    assert.equal(plan.llm!.usage, 'inject')
    assert.equal(planOf('{ dialect: openai }').llm!.usage, 'pass')
    assert.throws(
      () => gatewayPlan({ file: configOf('f.yaml', ONE, {}), flags: { llmUsage: 'inject' } }),
      /--llm-usage.*--llm or a section llm beside it/,
    )
  })

  it('says who is let in while the Redis of its limits is gone: its part, unless something else is asked for', () => {
    const table = (more: string): string =>
      tableOf(
        planOf(
          `{ dialect: openai, limits: [{ model: m, rpm: 5 }], scope: fleet${more} }`,
          'redis: { url: "redis://r" }\n',
        ),
      )
    assert.match(table(''), /paced +m, everywhere together, share without Redis/)
    assert.match(table(', onDown: closed'), /paced +m, everywhere together, closed without Redis/)
  })

  it('answers of the last minutes are kept where they may be given again, and nowhere else', () => {
    assert.equal(planOf('{ dialect: openai, overflow: { cached: 10m } }').cache!.maxBytes, 2 ** 26)
    assert.equal(planOf('{ dialect: openai }').cache, undefined)
  })

  it('shows its key to nobody', () => {
    const plan = planOf("{ dialect: openai, key: '${SOME_KEY}' }")
    assert.equal(plan.llm!.key, 'secret')
    assert.ok(!JSON.stringify(redacted(plan)).includes('secret'))
  })

  it('the page shows a plan that is accepted, and the defaults there are', () => {
    const page = readFileSync(new URL('../../../../../docs/llm-gateway.md', import.meta.url), 'utf8')
    const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(page)!
    const plan = gatewayPlan({ file: configOf('page.yaml', yaml!, {}) })
    assert.equal(plan.upstreams['models']!.servers.length, 2)
    const { queue, inflight, maxOutput, slowReader, retries } = planOf('{ dialect: openai }').llm!
    const told = [queue.max, queue.tokens, maxOutput, inflight.tokens, inflight.count, queue.reserve, retries.attempts]
    for (const figure of told) {
      const words = new RegExp(String.raw`\b(?:${figure}|${figure.toLocaleString('en')})\b`)
      assert.match(page, words)
    }
    assert.deepEqual(slowReader, { policy: 'wait', bytes: 128 * 1024, stall: 30_000 })
  })
})
