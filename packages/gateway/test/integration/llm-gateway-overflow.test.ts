import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import { APIError } from 'openai'
import { wish } from './emulate-rig.ts'
import { HELLO, openaiOf, withDoor, type Rig } from './llm-gateway-rig.ts'
import { until } from './proxy-rig.ts'

/** One place, and nobody waits for it. */
const ONE = 'inflight: { count: 1, adaptive: false }\nqueue: { maxWait: 50ms }'
const KEPT = `${ONE}\noverflow: { cached: 1m }`

/** Takes the place until it is let go. */
async function hold({ url, door }: Rig): Promise<() => void> {
  const ending = new AbortController()
  const { signal } = ending
  openaiOf(url, { maxRetries: 0 })
    .chat.completions.create({ ...HELLO, max_tokens: 999 }, { ...wish({ output: 900 }), signal })
    .catch(() => undefined)
  await until('the place to be taken', () => door.line.status.inflight === 1)
  return () => ending.abort()
}

const isRefused = (error: unknown): boolean =>
  error instanceof APIError && (error.status === 503 || error.status === 429)

describe('S2.3 who would wait too long, and other ways', () => {
  it('cached: what the same request was answered, to the same caller, marked as such', async () => {
    const emulators = [{ output: 4, engine: { tokensPerSecond: 100 } }]
    await withDoor({ yaml: KEPT, emulators }, async (rig) => {
      const openai = openaiOf(rig.url, { maxRetries: 0 })
      const first = await openai.chat.completions.create(HELLO)
      const release = await hold(rig)
      try {
        const { data, response } = await openai.chat.completions.create(HELLO).withResponse()
        assert.deepEqual(data, first)
        assert.match(response.headers.get('cache-status')!, /^sluice; hit/)
        assert.match(response.headers.get('age')!, /^\d+$/)
        // Not to somebody else, not to another question, not where a fresh one is asked for, and not as a stream.
        const other = openaiOf(rig.url, { maxRetries: 0 })
        other.apiKey = 'another'
        const fresh = { headers: { 'cache-control': 'no-cache' } }
        await Promise.all([
          assert.rejects(other.chat.completions.create(HELLO), isRefused),
          assert.rejects(openai.chat.completions.create(HELLO, { headers: { 'x-tenant': 'b' } }), isRefused),
          assert.rejects(openai.chat.completions.create({ ...HELLO, temperature: 0.5 }), isRefused),
          assert.rejects(openai.chat.completions.create(HELLO, fresh), isRefused),
          assert.rejects(openai.chat.completions.create({ ...HELLO, stream: true }), isRefused),
        ])
        assert.deepEqual(rig.door.status.overflowed, { cached: 1, upstream: 0, batch: 0 })
        assert.equal(rig.emulator.provider.tally.completed, 1)
      } finally {
        release()
      }
    })
  })

  it('cached: nobody is answered so while there is room, and nothing is kept of what may not be', async () => {
    await withDoor({ yaml: KEPT, emulators: [{ output: 4, engine: { tokensPerSecond: 100 } }] }, async (rig) => {
      const openai = openaiOf(rig.url, { maxRetries: 0 })
      const secret = { headers: { 'cache-control': 'no-store' } }
      for (let i = 0; i < 2; i++) await openai.chat.completions.create(HELLO, secret)
      assert.equal(rig.emulator.provider.tally.completed, 2)
      const release = await hold(rig)
      try {
        await assert.rejects(openai.chat.completions.create(HELLO), isRefused)
      } finally {
        release()
      }
    })
  })

  it('upstream: also who finds the queue full by count goes there, so many bodies at once and no more', async () => {
    const yaml = `inflight: { count: 1, adaptive: false }\nqueue: { max: 1 }\noverflow: { cached: 1m, count: 2 }`
    const slow = { engine: { tokensPerSecond: 100 } }
    await withDoor({ yaml, emulators: [slow], overflow: slow }, async (rig) => {
      const openai = openaiOf(rig.url, { maxRetries: 0 })
      await openai.chat.completions.create(HELLO)
      const release = await hold(rig)
      const waiting = openai.chat.completions.create({ ...HELLO, temperature: 2 })
      await until('one to wait', () => rig.door.holdings.tokens > 0)
      try {
        const { response } = await openai.chat.completions.create(HELLO).withResponse()
        assert.match(response.headers.get('cache-status')!, /^sluice; hit/)
        const others = Array.from({ length: 3 }, (_, at) =>
          openai.chat.completions.create({ ...HELLO, temperature: at, max_tokens: 5 }),
        )
        const answers = await Promise.allSettled(others)
        const refused = answers.filter((answer) => answer.status === 'rejected')
        assert.equal(refused.length, 1)
        assert.ok(refused.every(({ reason }) => isRefused(reason)))
        assert.deepEqual(rig.door.status.overflowed, { cached: 1, upstream: 2, batch: 0 })
        const { detours, count } = rig.door.holdings
        assert.deepEqual([detours, count], [0, 1])
      } finally {
        release()
      }
      await waiting
      assert.equal(rig.door.holdings.bytes, 0)
    })
  })

  it('batch: who prefers an answer later is handed over, and the others are told that they could be', async () => {
    const taken: string[] = []
    const batch: RequestListener = (req, res) => {
      let body = ''
      req.setEncoding('utf8').on('data', (part: string) => (body += part))
      req.on('end', () => {
        taken.push(`${req.url} ${body}`)
        res
          .writeHead(202, { 'content-type': 'application/json', location: '/jobs/7' })
          .end('{"id":"7","status":"queued"}')
      })
    }
    const yaml = `${ONE}\noverflow: { batch: later }`
    await withDoor({ yaml, batch, emulators: [{ engine: { tokensPerSecond: 100 } }] }, async (rig) => {
      const openai = openaiOf(rig.url, { maxRetries: 0 })
      const release = await hold(rig)
      try {
        const later = { headers: { prefer: 'wait=1, respond-async' } }
        const response = await openai.chat.completions.create(HELLO, later).asResponse()
        assert.deepEqual([response.status, response.headers.get('location')], [202, '/jobs/7'])
        assert.deepEqual(await response.json(), { id: '7', status: 'queued' })
        assert.deepEqual(taken, [`/v1/chat/completions ${JSON.stringify(HELLO)}`])
        await assert.rejects(
          openai.chat.completions.create(HELLO),
          (error) => isRefused(error) && /With prefer: respond-async/.test((error as Error).message),
        )
        assert.deepEqual(rig.door.status.overflowed, { cached: 0, upstream: 0, batch: 1 })
      } finally {
        release()
      }
    })
  })
})
