import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ModelWorld, near } from './model-world.ts'

// 60,000 a minute refill 1 a ms, which makes every level below easy to work out by hand.
const TPM = { tokens: 60_000 }

describe('charging', () => {
  it('reserve-max: the larger of max_tokens and the estimate, and nothing comes back', () => {
    const world = new ModelWorld({ profile: 'openai', limits: TPM })
    const first = world.admit({ input: 900, estimate: 1000, maxTokens: 300 })
    near(world.level('tokens'), 59_000)
    const second = world.admit({ input: 900, estimate: 1000, maxTokens: 5000 })
    near(world.level('tokens'), 54_000)
    world.pass(100)
    first.read()
    first.produce(10)
    first.end()
    second.end()
    near(world.level('tokens'), 54_100)
    assert.equal(world.model.charged.tokens, 6000)
  })

  it('reserve-max-refund: what was not used comes back, and no more than was taken is ever charged', () => {
    const world = new ModelWorld({ profile: 'openai', limits: TPM, mode: 'reserve-max-refund' })
    const short = world.admit({ input: 1000, maxTokens: 5000 })
    short.produce(500)
    near(world.level('tokens'), 55_000)
    short.end()
    near(world.level('tokens'), 58_500)
    const long = world.admit({ input: 1000, maxTokens: 1000 })
    long.produce(1000)
    long.end()
    near(world.level('tokens'), 57_500)
    assert.equal(world.model.charged.tokens, 2500)
  })

  it('reserve-sum: the estimate and max_tokens, kept', () => {
    const world = new ModelWorld({ profile: 'azure', limits: TPM })
    const call = world.admit({ input: 10, estimate: 1000, maxTokens: 2000 })
    call.produce(5)
    call.end()
    near(world.level('tokens'), 57_000)
  })

  it('reserve-sum-refund: settled to what was used', () => {
    const world = new ModelWorld({ profile: 'azure', limits: TPM, mode: 'reserve-sum-refund' })
    const call = world.admit({ input: 800, estimate: 1000, maxTokens: 2000 })
    near(world.level('tokens'), 57_000)
    call.produce(200)
    call.end()
    near(world.level('tokens'), 59_000)
  })

  it('actual: the estimate, corrected when the prompt has been read, then every token as it comes', () => {
    const world = new ModelWorld({ profile: 'openai', limits: TPM, mode: 'actual' })
    const call = world.admit({ input: 1500, estimate: 1000, maxTokens: 50_000 })
    near(world.level('tokens'), 59_000)
    call.read()
    near(world.level('tokens'), 58_500)
    call.produce(100)
    near(world.level('tokens'), 58_400)
    world.pass(50)
    call.produce(100)
    near(world.level('tokens'), 58_350)
    call.end()
    call.end()
    near(world.level('tokens'), 58_350)
  })

  it('actual: what is produced beyond the limit is a debt that must refill first', () => {
    const world = new ModelWorld({ profile: 'openai', limits: { tokens: 60_000 }, mode: 'actual' })
    const call = world.admit({ input: 59_000 })
    call.read()
    call.produce(2000)
    near(world.level('tokens'), -1000)
    const { wait, about } = world.refuse({ input: 500 })
    near(wait!, 1500)
    assert.deepEqual([about!.used, about!.requested], [61_000, 500])
    world.pass(1500)
    world.admit({ input: 500 })
  })

  it('input-only: Gemini asks nothing for output', () => {
    const world = new ModelWorld({ profile: 'gemini', limits: TPM })
    const call = world.admit({ input: 1200, estimate: 1000, maxTokens: 60_000 })
    near(world.level('tokens'), 59_000)
    call.read()
    call.produce(9000)
    call.end()
    near(world.level('tokens'), 58_800)
  })

  const ANTHROPIC = { input: 60_000, output: 60_000 }

  it('Anthropic 2026: output is counted as it is produced, whatever max_tokens', () => {
    const world = new ModelWorld({ profile: 'anthropic', limits: ANTHROPIC })
    const call = world.admit({ input: 900, estimate: 1000, maxTokens: 64_000 })
    near(world.level('output'), 60_000)
    near(world.level('input'), 59_000)
    call.read()
    near(world.level('input'), 59_100)
    call.produce(700)
    near(world.level('output'), 59_300)
    call.end()
    near(world.level('output'), 59_300)
  })

  it('Anthropic 2026: with the output limit in debt nobody comes in', () => {
    const world = new ModelWorld({ profile: 'anthropic', limits: ANTHROPIC })
    world.admit({ input: 1 }).produce(60_500)
    const { reason, wait } = world.refuse({ input: 1 })
    assert.equal(reason, 'output')
    near(wait!, 501)
  })

  it('Anthropic 2025: max_tokens is reserved, and corrected at the end', () => {
    const world = new ModelWorld({ profile: 'anthropic-2025', limits: ANTHROPIC })
    const call = world.admit({ input: 100, maxTokens: 20_000 })
    near(world.level('output'), 40_000)
    call.produce(700)
    near(world.level('output'), 40_000)
    call.end()
    near(world.level('output'), 59_300)
    assert.equal(world.refuse({ input: 1, maxTokens: 64_000 }).reason, 'too-large')
  })

  it('cached tokens: free with Anthropic and Groq, counted by OpenAI', () => {
    const prompt = { input: 5000, cached: 4000 }
    const anthropic = new ModelWorld({ profile: 'anthropic', limits: ANTHROPIC })
    anthropic.admit(prompt).read()
    near(anthropic.level('input'), 59_000)
    const groq = new ModelWorld({ profile: 'groq', limits: TPM })
    groq.admit(prompt).read()
    near(groq.level('tokens'), 59_000)
    const openai = new ModelWorld({ profile: 'openai', limits: TPM })
    openai.admit(prompt).read()
    near(openai.level('tokens'), 55_000)
  })

  it('Bedrock: prompt, cache and max_tokens first; in the end the cache read is free and output weighs five times', () => {
    const world = new ModelWorld({ profile: 'bedrock', limits: TPM })
    const call = world.admit({ input: 3000, cached: 1000, cacheWrite: 500, maxTokens: 4000 })
    near(world.level('tokens'), 53_000)
    call.produce(100)
    call.end()
    near(world.level('tokens'), 60_000 - 2000 - 500)
    const heavy = world.admit({ input: 100, maxTokens: 1000 })
    heavy.produce(1000)
    heavy.end()
    near(world.level('tokens'), 57_500 - 100 - 5000)
  })

  it('Bedrock takes a caller who names no max_tokens for one who wants all there is', () => {
    const world = new ModelWorld({ profile: 'bedrock', limits: TPM })
    world.admit({ input: 1000 })
    near(world.level('tokens'), 60_000 - 1000 - 4096)
  })

  it('Cerebras takes one for a caller who wants what the prompt leaves of the context', () => {
    const world = new ModelWorld({ profile: 'cerebras', limits: TPM })
    world.admit({ input: 192 })
    near(world.level('tokens'), 60_000 - 8192)
  })

  it('an abandoned call is charged what was produced, where anything is corrected', () => {
    for (const [mode, left] of [
      ['reserve-sum', 57_000],
      ['reserve-sum-refund', 58_980],
      ['actual', 58_980],
    ] as const) {
      const world = new ModelWorld({ profile: 'openai', limits: TPM, mode })
      const call = world.admit({ input: 1000, maxTokens: 2000 })
      call.read()
      call.produce(20)
      call.end()
      near(world.level('tokens'), left)
    }
  })
})
