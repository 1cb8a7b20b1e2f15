// The providers of the fleet's benchmark: what the pool is told, what the emulator is, which limit is the tight one. The
// tight one lets about 12 ordinary calls a second through: prompts of 50 to 350 tokens, `max_tokens` of 200 to 400, of
// which a tenth to seven tenths are answered.
const EACH = 60 * 12
const PLENTY = 100_000

/** A call, in tokens; `size` times an ordinary one. */
export function callOf(size = 1) {
  const input = Math.round(size * (50 + 300 * Math.random()))
  const maxOutput = Math.round(size * (200 + 200 * Math.random()))
  return { input, maxOutput, output: Math.round(maxOutput * (0.1 + 0.6 * Math.random())) }
}

/** Text the emulator's tokenizer finds so many tokens in: one for four bytes, and four for a message. */
export const textOf = (tokens) => 'abcd'.repeat(Math.max(1, tokens - 4))

const openaiLike = (make, kind, tpm, flags = []) => ({
  way: 'openai',
  dimension: 'tokens',
  limit: tpm,
  make,
  limits: { rpm: PLENTY, tpm },
  emulator: ['openai', '--profile', kind, '--rpm', PLENTY, '--tpm', tpm, ...flags],
})

export const PROFILES = {
  openai: openaiLike('openai', 'openai', EACH * 300),
  azure: openaiLike('azure', 'azure', EACH * 500),
  anthropic: anthropicLike('anthropic', {}),
  'anthropic 2025': anthropicLike('anthropic-2025', { modes: { output: 'output-reserved' } }),
  gemini: { ...openaiLike('gemini', 'gemini', EACH * 200), way: 'gemini' },
  groq: {
    ...openaiLike('groq', 'groq', EACH * 300),
    limits: { rpd: 100_000_000, tpm: EACH * 300 },
    // What it does with `max_tokens` is not published: here what the pool takes it to do.
    emulator: ['openai', '--profile', 'groq', '--rpd', 100_000_000, '--tpm', EACH * 300, '--mode', 'reserve-max'],
  },
  bedrock: {
    way: 'anthropic',
    dimension: 'tokens',
    limit: EACH * 800,
    make: 'bedrock',
    limits: { tpm: EACH * 800 },
    emulator: ['anthropic', '--profile', 'bedrock', '--tpm', EACH * 800],
  },
  generic: openaiLike('generic', 'openai', EACH * 500, ['--mode', 'reserve-sum']),
}

function anthropicLike(kind, more) {
  const [itpm, otpm] = [4_000_000, EACH * 120]
  return {
    way: 'anthropic',
    dimension: 'output',
    limit: otpm,
    make: 'anthropic',
    limits: { rpm: PLENTY, itpm, otpm, ...more },
    emulator: ['anthropic', '--profile', kind, '--rpm', PLENTY, '--itpm', itpm, '--otpm', otpm],
  }
}
