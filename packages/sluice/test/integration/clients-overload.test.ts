import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Agent, interceptors, request, type Dispatcher } from 'undici'
import { protectedFetch } from '../../src/clients/index.ts'
import { sluice, type ClientOptions } from '../../src/clients/undici.ts'
import { breaker, consecutive, RejectedError, type Gate } from '../../src/index.ts'
import { limitedTo, tenSlots, upstream, type Handler, type Upstream } from './clients-rig.ts'
import { until } from './waiting.ts'

/** Takes so many requests a second and refuses all others. */
function taking(perSecond: number): Handler {
  let level = perSecond / 10
  let at = performance.now()
  return (_request, response) => {
    const now = performance.now()
    level = Math.min(perSecond / 10, level + ((now - at) * perSecond) / 1000)
    at = now
    const taken = level >= 1
    if (taken) level--
    response.writeHead(taken ? 200 : 503).end('hello')
  }
}

/** Asks so often a second, whatever comes of it. Answers how it ended, for each. */
async function load(perSecond: number, seconds: number, one: () => Promise<string>): Promise<Map<string, number>> {
  const came = new Map<string, number>()
  const asking: Promise<void>[] = []
  const start = performance.now()
  for (let asked = 0; asked < perSecond * seconds; asked++) {
    const due = start + (asked * 1000) / perSecond
    if (due > performance.now()) await sleep(due - performance.now())
    asking.push(one().then((what) => void came.set(what, (came.get(what) ?? 0) + 1)))
  }
  await Promise.all(asking)
  return came
}

const WIDE: ClientOptions = { gate: limitedTo(200), retryBudget: false }

describe('clients before an upstream that has had enough', { concurrency: false }, () => {
  const agents: Agent[] = []
  const upstreams: Upstream[] = []
  const serve = async (handle: Handler): Promise<Upstream> => {
    const up = await upstream(handle)
    upstreams.push(up)
    return up
  }
  const newAgent = (): Agent => {
    const agent = new Agent()
    agents.push(agent)
    return agent
  }
  after(async () => {
    await Promise.all(agents.map((agent) => agent.destroy()))
    await Promise.all(upstreams.map((up) => up.close()))
  })

  const ask = (url: string, dispatcher: Dispatcher) => async (): Promise<string> => {
    try {
      const { statusCode, body } = await request(url, { dispatcher })
      await body.dump()
      return String(statusCode)
    } catch (error) {
      return error instanceof RejectedError ? error.code : String(error)
    }
  }

  it('over-admission: never more at once than the limit; without the client there are', async () => {
    const slow: Handler = (_request, response) => void setTimeout(() => response.end('hello'), 3)
    const [free, kept] = [await serve(slow), await serve(slow)]
    await Promise.all(Array.from({ length: 300 }, ask(free.url, newAgent())))
    const guard = sluice({ gate: tenSlots })
    await Promise.all(Array.from({ length: 300 }, ask(kept.url, newAgent().compose(guard))))
    assert.ok(free.peak > 10, `${free.peak} at once without`)
    assert.ok(kept.peak <= 10, `${kept.peak} at once`)
    assert.equal(kept.seen, 300)
  })

  it('throttling: sends about twice what is taken, not ten times', async (t) => {
    const [free, kept] = [await serve(taking(40)), await serve(taking(40))]
    const plain = await load(400, 3, ask(free.url, newAgent().compose(sluice({ ...WIDE, throttle: false }))))
    const guard = sluice(WIDE)
    const held = await load(400, 3, ask(kept.url, newAgent().compose(guard)))
    t.diagnostic(`sent for each that was taken: ${ratio(free.seen, plain)} without, ${ratio(kept.seen, held)} with`)
    assert.ok(free.seen / plain.get('200')! > 5)
    assert.ok(kept.seen / held.get('200')! < 4)
    // What is held back is what would have been refused: as many get through.
    assert.ok(held.get('200')! > 0.8 * plain.get('200')!, `${held.get('200')} instead of ${plain.get('200')}`)
    assert.equal(plain.get('shed'), undefined)
    assert.equal((held.get('shed') ?? 0) + kept.seen, 1200)
  })

  it('retries: a storm without a budget, a tenth more with one', async (t) => {
    const [free, kept] = [await serve(taking(40)), await serve(taking(40))]
    const retry = interceptors.retry({
      maxRetries: 4,
      minTimeout: 20,
      maxTimeout: 200,
      statusCodes: [503],
      throwOnError: false,
    })
    const plain = await load(200, 2, ask(free.url, newAgent().compose(sluice({ ...WIDE, throttle: false }), retry)))
    const guard = sluice({ ...WIDE, throttle: false, retryBudget: { ratio: 0.1, reserve: 1 } })
    const held = await load(200, 2, ask(kept.url, newAgent().compose(guard, retry)))
    t.diagnostic(`attempts per request: ${(free.seen / 400).toFixed(2)} without, ${(kept.seen / 400).toFixed(2)} with`)
    assert.ok(free.seen / 400 > 3, `${free.seen} attempts without a budget`)
    // 400 first attempts pay for 40; the reserve is one a second, ten at the beginning, more where the machine is slow.
    assert.ok(kept.seen <= 500, `${kept.seen} attempts with one`)
    assert.ok(held.get('200')! > 0 && plain.get('200')! > 0)
  })

  it('a breaker leaves an origin alone that only fails', async () => {
    const up = await serve((_request, response) => void response.writeHead(500).end())
    const guard = sluice({ ...WIDE, breaker: (name): Gate => breaker({ name, rule: consecutive(5), openFor: 60_000 }) })
    const dispatcher = newAgent().compose(guard)
    const came: string[] = []
    for (let count = 0; count < 50; count++) came.push(await ask(up.url, dispatcher)())
    assert.equal(up.seen, 5)
    assert.equal(came.filter((what) => what === 'breaker_open').length, 45)
  })

  it('a 429 pauses the origin for everybody: whoever can wait does, nobody else is sent', async () => {
    let refuse = true
    const at: number[] = []
    const up = await serve((_request, response) => {
      at.push(performance.now())
      response.writeHead(refuse ? 429 : 200, refuse ? { 'retry-after-ms': '300' } : {}).end('hello')
      refuse = false
    })
    const dispatcher = newAgent().compose(sluice({ ...WIDE, maxHold: 1000 }))
    const hasty = newAgent().compose(sluice({ ...WIDE, maxHold: 100 }))
    assert.equal(await ask(up.url, dispatcher)(), '429')
    const came = await Promise.all(Array.from({ length: 10 }, ask(up.url, dispatcher)))
    assert.ok(at[1]! - at[0]! >= 299, `${at[1]! - at[0]!} ms`)
    assert.deepEqual([...new Set(came)], ['200'])
    refuse = true
    assert.equal(await ask(up.url, hasty)(), '429')
    const before = up.seen
    const told = await Promise.all(Array.from({ length: 10 }, ask(up.url, hasty)))
    assert.deepEqual([...new Set(told)], ['rate_limited'])
    assert.equal(up.seen, before)
  })

  it('each hop of a redirect passes the gate of its own origin', async () => {
    const there = await serve((_request, response) => void response.end('there'))
    const here = await serve((_request, response) => void response.writeHead(302, { location: there.url }).end())
    const guard = sluice({ gate: tenSlots })
    const { body } = await request(here.url, {
      dispatcher: newAgent().compose(guard, interceptors.redirect({ maxRedirections: 2 })),
    })
    assert.equal(await body.text(), 'there')
    assert.deepEqual(
      [...guard.origins].map(({ name, stats }) => [name, stats.inflight]),
      [
        [here.origin, 0],
        [there.origin, 0],
      ],
    )
  })

  it('tells the origin how long it has', async () => {
    let told: unknown
    const up = await serve((incoming, response) => {
      told = incoming.headers['x-envoy-expected-rq-timeout-ms']
      response.end()
    })
    await (await protectedFetch({ deadline: 5000 })(up.url)).text()
    assert.match(String(told), /^4\d\d\d$|^5000$/)
  })

  describe('a body that is forgotten', () => {
    let collect: () => void
    before(() => {
      setFlagsFromString('--expose-gc')
      collect = runInNewContext('gc') as () => void
    })

    it('is given up when it is collected, and its slot with it', async () => {
      let closed = 0
      const up = await serve((_request, response) => {
        response.on('close', () => closed++)
        response.write('x'.repeat(1000))
      })
      const send = protectedFetch({ gate: tenSlots })
      // In a function of its own: what is on the stack is not forgotten.
      const forget = async (): Promise<void> => {
        const response = await send(up.url)
        assert.equal(response.status, 200)
      }
      for (let count = 0; count < 10; count++) await forget()
      const inflight = (): number | undefined => [...send.origins][0]?.stats.inflight
      assert.equal(inflight(), 10)
      await until('the collector to find them', () => {
        collect()
        return inflight() === 0
      })
      await until('the connections to be closed', () => closed === 10)
    })
  })
})

function ratio(sent: number, came: ReadonlyMap<string, number>): string {
  return (sent / (came.get('200') ?? 0)).toFixed(1)
}
