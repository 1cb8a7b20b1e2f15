// Who is tried, each set up as its documentation says. `serve(plant, work)` makes an http.Server.
//
// Whoever has to be sized is sized by hand for each plant by somebody who knows it; Sluice is told nothing.
import { createServer } from 'node:http'

/** Answers 200 when the work is done. Work that is not async is answered in the same turn. */
function answering(work) {
  return (_request, response) => {
    const done = work()
    if (done === undefined) response.end('done\n')
    else done.then(() => response.end('done\n'))
  }
}

function refuse(response) {
  response.writeHead(503, { 'retry-after': '1', 'content-type': 'application/json' })
  response.end('{"error":{"code":"BUSY"}}')
}

/** A server in the manner of a wrapper of promises: `run(work)` rejects what it does not let in. */
function wrapped(run) {
  return createServer((_request, response) => {
    run().then(
      () => response.end('done\n'),
      () => refuse(response),
    )
  })
}

export const contenders = {
  none: {
    config: 'no protection',
    serve: (_plant, work) => createServer(answering(work)),
  },
  'under-pressure': {
    config:
      '`maxEventLoopDelay: 50`, `sampleInterval: 20`; the example of its documentation (1 s of delay, 95 MiB of memory) lets everybody wait for a second, or refuses everybody',
    async serve(_plant, work) {
      const [{ fastify }, { default: underPressure }] = await Promise.all([
        import('fastify'),
        import('@fastify/under-pressure'),
      ])
      const app = fastify()
      await app.register(underPressure, {
        maxEventLoopDelay: 50,
        sampleInterval: 20,
        retryAfter: 1,
      })
      app.get('/', async () => {
        await work()
        return 'done\n'
      })
      await app.ready()
      return app.server
    },
  },
  'overload-protection': {
    config: "`('http')`, defaults: 42 ms of delay, looked at every 5 ms",
    async serve(_plant, work) {
      const { default: overloadProtection } = await import('overload-protection')
      const protect = overloadProtection('http', { production: true, logging: false })
      const answer = answering(work)
      return createServer((request, response) => {
        if (protect(request, response) !== true) answer(request, response)
      })
    },
  },
  'toobusy-js': {
    config: '`maxLag(50)`, `interval(20)`; its defaults, 70 and 500 ms, are too slow for what is asked here',
    async serve(_plant, work) {
      const { default: toobusy } = await import('toobusy-js')
      toobusy.maxLag(50)
      toobusy.interval(20)
      const answer = answering(work)
      return createServer((request, response) => {
        if (toobusy()) refuse(response)
        else answer(request, response)
      })
    },
  },
  cockatiel: {
    config: '`bulkhead(slots, queue)`, sized by hand',
    async serve({ slots, queue }, work) {
      const { bulkhead } = await import('cockatiel')
      const policy = bulkhead(slots, queue)
      return wrapped(() => policy.execute(() => work()))
    },
  },
  'p-queue': {
    config: '`concurrency: slots`, refused while `queue.size >= queue`, sized by hand',
    async serve({ slots, queue: most }, work) {
      const { default: PQueue } = await import('p-queue')
      const queue = new PQueue({ concurrency: slots })
      return wrapped(async () => {
        if (queue.size >= most) throw new Error('full')
        await queue.add(() => work())
      })
    },
  },
  opossum: {
    config: '`capacity: slots`, `timeout: 1000`, and an `errorFilter` for its own refusals, without which they open it',
    async serve({ slots }, work) {
      const { default: CircuitBreaker } = await import('opossum')
      const breaker = new CircuitBreaker(async () => work(), {
        capacity: slots,
        timeout: 1000,
        errorFilter: (error) => error.code === 'ESEMLOCKED',
      })
      return wrapped(() => breaker.fire())
    },
  },
  'rate limit': {
    config: "`limiter`'s `TokenBucket`, the plant's capacity a second, a tenth of it at once",
    async serve({ capacity, nominal }, work) {
      const { TokenBucket } = await import('limiter')
      const rate = capacity ?? nominal
      const bucket = new TokenBucket({ bucketSize: rate / 10, tokensPerInterval: rate, interval: 'second' })
      const answer = answering(work)
      return createServer((request, response) => {
        if (bucket.tryRemoveTokens(1)) answer(request, response)
        else refuse(response)
      })
    },
  },
  // No product: what somebody writes who knows that the plant computes, and for how long.
  'by hand': {
    config:
      'for plants that compute: one at a time, 20 waiting, `setImmediate` between two, none in a turn that accepted a connection',
    serve(_plant, work) {
      const answer = answering(work)
      const waiting = []
      let accepted = 0
      let [seen, turning] = [0, false]
      const turn = () => {
        if (accepted === seen) waiting.shift()?.()
        seen = accepted
        turning = waiting.length > 0
        if (turning) setImmediate(turn)
      }
      const server = createServer((request, response) => {
        if (waiting.length >= 20) return refuse(response)
        waiting.push(() => answer(request, response))
        if (!turning) setImmediate(turn)
        turning = true
      })
      return server.on('connection', () => accepted++)
    },
  },
  sluice: {
    config: '`protect(handler)`, no options',
    async serve(_plant, work) {
      const { protect } = await import('sluice/node')
      const guarded = protect(answering(work))
      const server = createServer(guarded)
      server.gate = guarded.gate
      return server
    },
  },
}
