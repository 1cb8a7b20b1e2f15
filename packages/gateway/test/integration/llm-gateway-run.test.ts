import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import type { Snapshot } from '../../src/live/snapshot.ts'
import { withEmulator, wish } from './emulate-rig.ts'
import { anthropicOf, HELLO, openaiOf } from './llm-gateway-rig.ts'
import { until } from './proxy-rig.ts'
import { launchRun, runToEnd, startRun } from './run-child.ts'

async function withFile(yaml: string, prove: (file: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-llm-'))
  try {
    const file = join(folder, 'sluice.yaml')
    await writeFile(file, yaml)
    await prove(file)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const LISTEN = 'listen: { host: 127.0.0.1, port: 0, adminPort: 0 }\n'

describe('S2.3 sluice run --llm', () => {
  it('works with flags alone, with several upstreams, and passes what is no call of a model', async () => {
    await withEmulator({ output: 5 }, async ({ port, provider }, url) => {
      await withEmulator({ output: 5 }, async (second, other) => {
        const gateway = await startRun(port, '--upstream', other, '--llm', 'openai')
        try {
          assert.match(gateway.out(), /2 servers.*openai in turns by tokens/)
          const openai = openaiOf(`http://127.0.0.1:${gateway.port}`)
          const calls = Array.from({ length: 20 }, () => openai.chat.completions.create(HELLO))
          for (const { choices } of await Promise.all(calls)) assert.equal(choices.length, 1)
          assert.deepEqual(
            [provider.tally.completed > 3, second.provider.tally.completed > 3],
            [true, true],
            `${url}: ${provider.tally.completed} and ${second.provider.tally.completed}`,
          )
          for await (const { id } of openai.models.list()) assert.equal(typeof id, 'string')
          const live = await fetch(`http://127.0.0.1:${gateway.adminPort}/health/live`)
          assert.equal(live.status, 200)
          await live.text()
        } finally {
          await gateway.stop()
        }
      })
    })
  })

  it('with a file: tenants by key, a key of its own for the provider, and its limits paced', async () => {
    await withEmulator(
      { profile: 'anthropic', key: 'theirs', limits: { requests: 1000 } },
      async ({ provider }, url) => {
        const yaml = `${LISTEN}upstreams: { models: { servers: [{ url: '${url}' }], hostHeader: upstream } }
tenants: { from: api-key, header: authorization, required: true, keys: { a: { key: ours-of-a-tenant } } }
llm: { dialect: anthropic, key: '\${MODEL_KEY:-theirs}', limits: [{ model: m, rpm: 1000, itpm: 100000, otpm: 100000 }] }
`
        await withFile(yaml, async (file) => {
          const gateway = await launchRun(file)
          try {
            const at = `http://127.0.0.1:${gateway.port}`
            const anthropic = new Anthropic({ baseURL: at, apiKey: 'ours-of-a-tenant' })
            const answer = await anthropic.messages.create(HELLO)
            assert.equal(answer.type, 'message')
            await assert.rejects(anthropicOf(at).messages.create(HELLO), { status: 401 })
            assert.equal(provider.tally.completed, 1)
            const config = await fetch(`http://127.0.0.1:${gateway.adminPort}/config`)
            assert.ok(!(await config.text()).includes('theirs'))
          } finally {
            await gateway.stop()
          }
        })
      },
    )
  })

  it('with a file: other ways for those who would wait too long, from its cache and its other upstreams', async () => {
    await withEmulator({ output: 400, engine: { tokensPerSecond: 100 } }, async ({ provider }, url) => {
      await withEmulator({ output: 3 }, async ({ provider: later }, other) => {
        const yaml = `${LISTEN}upstreams:
  models: { servers: [{ url: '${url}' }], hostHeader: upstream }
  later: { servers: [{ url: '${other}' }], hostHeader: upstream }
llm:
  dialect: openai
  inflight: { count: 1, adaptive: false }
  queue: { maxWait: 50ms }
  overflow: { cached: 1m, batch: later }
`
        await withFile(yaml, async (file) => {
          const gateway = await launchRun(file)
          const ending = new AbortController()
          try {
            const openai = openaiOf(`http://127.0.0.1:${gateway.port}`, { maxRetries: 0 })
            const first = await openai.chat.completions.create(HELLO, wish({ output: 3 }))
            const { signal } = ending
            openai.chat.completions.create({ ...HELLO, max_tokens: 999 }, { signal }).catch(() => undefined)
            await until('the place to be taken', () => provider.tally.admitted === 2)
            assert.deepEqual(await openai.chat.completions.create(HELLO), first)
            const another = { ...HELLO, temperature: 0.5 }
            await openai.chat.completions.create(another, { headers: { prefer: 'respond-async' } })
            assert.equal(later.tally.completed, 1)
            const { llm } = (await (await fetch(`http://127.0.0.1:${gateway.adminPort}/snapshot`)).json()) as Snapshot
            assert.deepEqual(llm!.overflowed, [
              { what: 'cached', count: 1 },
              { what: 'batch', count: 1 },
            ])
          } finally {
            ending.abort()
            await gateway.stop()
          }
        })
      })
    })
  })

  it('a bad configuration is refused at start, each fault in one line', async () => {
    const upstream = ['--upstream', 'http://127.0.0.1:1']
    const unknown = await runToEnd(['run', ...upstream, '--llm', 'gopher'])
    assert.deepEqual([unknown.code, unknown.err.trim().split('\n').length], [2, 1])
    assert.match(unknown.err, /openai, anthropic/)
    await withFile(
      "upstreams: { m: { servers: [{ url: 'http://a' }] } }\nllm: { dialect: openai, key: '${NO_KEY}' }",
      async (file) => {
        const { code, err } = await runToEnd(['run', file])
        assert.deepEqual([code, err.trim().split('\n').length], [2, 1])
        assert.match(err, /the environment variable NO_KEY to be set/)
      },
    )
  })

  it('says what it does: sluice check', async () => {
    await withFile(
      "upstreams: { m: { servers: [{ url: 'http://a' }] } }\nllm: { dialect: anthropic }",
      async (file) => {
        const { code, out, err } = await runToEnd(['check', file])
        assert.equal(code, 0, err)
        assert.match(out, /models\n {2}anthropic +1000 may wait 2m/)
      },
    )
  })
})
