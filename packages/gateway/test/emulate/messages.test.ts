import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { openaiChat } from '../../src/emulate/dialects/openai-chat.ts'
import { goDuration } from '../../src/emulate/go-duration.ts'
import { DIMENSIONS, limitMessage, openaiRefusal, PROFILES, type DimensionName } from '../../src/emulate/index.ts'
import { ModelWorld } from './model-world.ts'

/** LLM.md §2.1: the seven that satisfy the formula to the millisecond. */
const PUBLISHED: readonly (readonly [DimensionName, number, number, number, string])[] = [
  ['tokens', 50_000, 47_949, 3006, '1.146s'],
  ['tokens', 200_000, 195_869, 4412, '84ms'],
  ['tokens', 30_000, 22_999, 12_528, '11.054s'],
  ['tokens', 200_000, 199_821, 2295, '634ms'],
  ['requests-day', 200, 200, 1, '7m12s'],
  ['requests-day', 50, 50, 1, '28m48s'],
  ['requests-day', 2000, 2000, 1, '43.2s'],
]

const MESSAGE =
  / on ((?:\w+ )?\w+ per (?:min|day) \(\w+\)): Limit (\d+), Used (\d+), Requested (\d+)\. Please try again in (?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)s)?(?:(\d+)ms)?\.$/

/** Whether a message says what the formula says, to the millisecond. */
function formulaHolds(message: string): boolean {
  const [, title, limit, used, requested, hours = 0, minutes = 0, seconds = 0, millis = 0] = MESSAGE.exec(message) ?? []
  const dimension = Object.values(DIMENSIONS).find((each) => each.title === title)
  if (dimension === undefined) return false
  const said = Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1000 + Number(millis)
  const exact = (Number(used) + Number(requested) - Number(limit)) / Number(limit)
  return said >= 0 && Math.abs(said - exact * dimension.window) < 1.000_001
}

describe('what OpenAI says when a limit is reached', () => {
  for (const [dimension, limit, used, requested, again] of PUBLISHED)
    it(`is what was published: ${limit}/${used}/${requested} → ${again}`, () => {
      const { window, title } = DIMENSIONS[dimension]
      const message = limitMessage({ dimension, limit, used, requested, window, continuous: true }, 'gpt-x', 0)
      assert.equal(
        message,
        `Rate limit reached for gpt-x in organization org-emulated on ${title}: ` +
          `Limit ${limit}, Used ${used}, Requested ${requested}. Please try again in ${again}.`,
      )
      assert.ok(formulaHolds(message))
    })

  it('satisfies the formula in 10,000 messages of random callers', () => {
    const random = seeded(11)
    let messages = 0
    for (let run = 0; messages < 10_000; run++) {
      const capacity = (['full', 10_000, 1000] as const)[run % 3]!
      const profile = (['openai', 'azure', 'groq'] as const)[Math.floor(random() * 3)]!
      const limits = {
        requests: 1 + Math.floor(random() * 500),
        tokens: 1000 + Math.floor(random() * 300_000),
        'requests-day': 50 + Math.floor(random() * 2000),
      }
      const world = new ModelWorld({ profile, limits, capacity, foreign: { share: random() * 0.3 } })
      for (let index = 0; index < 400; index++) {
        world.pass(random() * 500)
        const ask = { input: Math.ceil(random() * 3000), maxTokens: Math.ceil(random() * 3000) }
        const verdict = world.model.ask(ask)
        if (verdict.admitted) {
          verdict.produce(Math.floor(random() * 200))
          if (random() < 0.9) verdict.end()
        } else if (verdict.reason !== 'too-large') {
          messages++
          const { error } = openaiRefusal(verdict, 'm', PROFILES.openai).body as { error: { message: string } }
          assert.ok(formulaHolds(error.message), error.message)
          const { limit, used, requested, window } = verdict.about!
          // Rounded to whole tokens, up: the time said is never too short, nor longer than one of them takes.
          const said = ((used + requested - limit) / limit) * window
          assert.ok(said >= verdict.wait! - 0.01 && said <= verdict.wait! + window / limit + 0.01, error.message)
        }
      }
    }
  })

  it('would fail the same check one millisecond off, or rounded up', () => {
    assert.equal(
      formulaHolds('x on tokens per min (TPM): Limit 50000, Used 47949, Requested 3006. Please try again in 1.148s.'),
      false,
    )
    assert.equal(
      formulaHolds('x on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2.5s.'),
      false,
    )
    assert.equal(
      formulaHolds('x on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m13s.'),
      false,
    )
  })

  it('gives no figures where windows are fixed: the formula does not apply', () => {
    const world = new ModelWorld({ limits: { tokens: 1000 }, capacity: 'fixed' })
    world.admit({ input: 1000 })
    const { body } = openaiRefusal(world.refuse({ input: 1 }), 'm', PROFILES.openai) as {
      body: { error: { message: string } }
    }
    assert.match(body.error.message, /: Limit 1000\. Please try again in \d+(\.\d+)?s\.$/)
  })

  it('too large: without a time, in its own words', () => {
    const world = new ModelWorld({ limits: { tokens: 1000 } })
    const { status, body } = openaiChat.refuse(world.refuse({ input: 1001 }), 'gpt-x', PROFILES.openai)
    assert.equal(status, 429)
    assert.deepEqual(body, {
      error: {
        message:
          'Request too large for gpt-x in organization org-emulated on tokens per min (TPM): Limit 1000, Requested 1001. ' +
          'The input or output tokens must be reduced in order to run successfully.',
        type: 'tokens',
        param: null,
        code: 'rate_limit_exceeded',
      },
    })
  })
})

describe('goDuration', () => {
  const CASES: readonly (readonly [number, string])[] = [
    [0, '0s'],
    [0.9, '0s'],
    [9.0, '9ms'],
    [12, '12ms'],
    [999.9, '999ms'],
    [1000, '1s'],
    [1146, '1.146s'],
    [59_999, '59.999s'],
    [60_000, '1m0s'],
    [360_000, '6m0s'],
    [432_000, '7m12s'],
    [3_600_000, '1h0m0s'],
    [86_399_500, '23h59m59.5s'],
  ]
  for (const [duration, text] of CASES) it(`${duration} → ${text}`, () => assert.equal(goDuration(duration), text))
})
