import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { protect as protectFetch } from '../../src/fetch/index.ts'
import { protect as protectHono, type HonoContext } from '../../src/servers/hono.ts'
import type { DoorOptions } from '../../src/http/index.ts'
import { semaphore } from '../../src/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

const METRICS = 'endpoint-load-metrics'
const FORMAT = 'endpoint-load-metrics-format'

type Handler = () => Response | Promise<Response>
type Options = Omit<DoorOptions<unknown>, 'classify'>
type Asked = (headers: Readonly<Record<string, string>>) => Promise<Response>

/** What @hono/node-server hands on; the request of fetch then has no header at all, so that nobody looks for one there. */
function bindings(headers: Readonly<Record<string, string>>, headersSent = false) {
  const incoming = Object.assign(new EventEmitter(), {
    rawHeaders: Object.entries(headers).flat(),
    httpVersionMajor: 2,
    socket: { destroyed: false },
  })
  const outgoing = Object.assign(new EventEmitter(), { statusCode: 200, headersSent, writableEnded: false })
  return { incoming, outgoing }
}

const URL = 'http://here.test/orders'

/** As Hono's is. */
class Context implements HonoContext {
  readonly req: HonoContext['req']
  readonly env: unknown
  #response: Response | undefined

  constructor(raw: Request) {
    this.req = { raw, path: '/orders' }
  }

  get res(): Response {
    return this.#response ?? new Response(null)
  }

  set res(response: Response | undefined) {
    this.#response = response
  }
}

const DOORS: Readonly<Record<string, (handler: Handler, options: Options) => Asked>> = {
  'sluice/fetch': (handler, options) => {
    const app = protectFetch(handler, options)
    return (headers) => app(new Request(URL, { headers }))
  },
  'sluice/fetch under node:http': (handler, options) => {
    const app = protectFetch<[env: unknown]>(handler, options)
    return (headers) => app(new Request(URL), bindings(headers))
  },
  'sluice/hono': (handler, options) => {
    const middleware = protectHono(options)
    return async (headers) => {
      const context = new Context(new Request(URL, { headers }))
      const answer = await middleware(context, async () => void (context.res = await handler()))
      return answer ?? context.res
    }
  },
}

const full = () => semaphore({ permits: 4, name: 'api' })

for (const [name, door] of Object.entries(DOORS))
  describe(`${name} tells its load to whoever asks (ORCA)`, () => {
    it('S2.6 in the format that is asked for, as a share of the limit', async () => {
      for (const [format, told] of [
        ['TEXT', 'TEXT application_utilization=0.25'],
        ['json', 'JSON {"application_utilization":0.25}'],
        ['BIN', null],
      ] as const) {
        // With a body and without: whoever asks is counted.
        for (const body of ['done', null]) {
          const asked = door(() => new Response(body), { gate: full() })
          assert.equal((await asked({ [FORMAT]: format })).headers.get(METRICS), told, format)
        }
      }
    })

    it('and to nobody else', async () => {
      const asked = door(() => new Response('done'), { gate: full() })
      assert.equal((await asked({ accept: '*/*' })).headers.has(METRICS), false)
    })

    it('also with a refusal, by the gate and under pressure', async () => {
      const gate = full()
      for (let i = 0; i < 4; i++) gate.tryEnter()
      const refused = await door(() => new Response('never'), { gate })({ [FORMAT]: 'TEXT' })
      assert.deepEqual([refused.status, refused.headers.get(METRICS)], [503, 'TEXT application_utilization=1'])
      const degradation = { steps: ['all'], instead: () => ({ status: 503, headers: {}, body: 'not now' }) }
      const given = await door(() => new Response('never'), { gate, degradation })({ [FORMAT]: 'TEXT' })
      assert.deepEqual([await given.text(), given.headers.get(METRICS)], ['not now', 'TEXT application_utilization=1'])
    })

    it('also where the handler is over its time', async () => {
      const clock = new VirtualClock()
      const gate = semaphore({ permits: 4, clock })
      const late = door(() => new Promise<Response>(() => {}), { gate, clock, timeout: 100, load: () => 0.5 })
      const answer = late({ [FORMAT]: 'TEXT' })
      for (let turn = 0; turn < 20; turn++) await Promise.resolve()
      clock.advance(100)
      assert.deepEqual(
        [(await answer).status, (await answer).headers.get(METRICS)],
        [504, 'TEXT application_utilization=0.5'],
      )
    })

    it('what the handler itself tells stands', async () => {
      const own = door(() => new Response('done', { headers: { [METRICS]: 'TEXT cpu_utilization=0.9' } }), {})
      assert.equal((await own({ [FORMAT]: 'TEXT' })).headers.get(METRICS), 'TEXT cpu_utilization=0.9')
    })
  })

describe('sluice/fetch under node:http', () => {
  it('an answer that the handler has written itself is handed on as it is, also to those who ask for the load', async () => {
    // As `RESPONSE_ALREADY_SENT` of @hono/node-server: another response in its place would be written after it.
    const sent = new Response(null)
    const app = protectFetch<[env: unknown]>(() => sent, { gate: full() })
    assert.equal(await app(new Request(URL), bindings({ [FORMAT]: 'TEXT' }, true)), sent)
    assert.notEqual(await app(new Request(URL), bindings({ [FORMAT]: 'TEXT' })), sent)
  })
})
