// Who is compared: how each takes a slot, which answers how to give it back.

async function sluice({ port, limit, lease = 2000, order = 'share' }) {
  const { createClient } = await import('redis')
  const { fleetSlots, nodeRedis, redisSlots } = await import('sluice/redis')
  const client = createClient({ RESP: 3, socket: { port, host: '127.0.0.1', reconnectStrategy: 50 } })
  await client.on('error', () => {}).connect()
  const coordinator = redisSlots(nodeRedis(client), { key: `${order}-${limit}`, lease })
  const gate = fleetSlots({ coordinator, limit, order, onDown: 'closed', maxWait: 30_000 })
  return async (entry) => {
    const permit = await gate.acquire(entry)
    return () => permit.release('success')
  }
}

async function ioredis(port) {
  const { Redis } = await import('ioredis')
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 50, maxRetriesPerRequest: null })
  return client.on('error', () => {})
}

/** By name; each is told `{ port, limit, lease }`, and for each slot `{ priority }`, which only some can heed. */
export const contenders = {
  share: sluice,
  strict: (options) => sluice({ ...options, order: 'strict' }),
  async 'redis-semaphore'({ port, limit, lease = 2000 }) {
    const { Semaphore } = await import('redis-semaphore')
    const client = await ioredis(port)
    const options = { acquireTimeout: 30_000, retryInterval: 10, lockTimeout: lease }
    return async () => {
      const slot = new Semaphore(client, `rs-${limit}`, limit, { ...options, onLockLost: () => {} })
      await slot.acquire()
      return () => slot.release()
    }
  },
  async bottleneck({ port, limit }) {
    const { default: Bottleneck } = await import('bottleneck')
    const { Redis } = await import('ioredis')
    const limiter = new Bottleneck({
      id: `bn-${limit}`,
      datastore: 'ioredis',
      Redis,
      clientOptions: { port, host: '127.0.0.1', retryStrategy: () => 50, maxRetriesPerRequest: null },
      maxConcurrent: limit,
    })
    limiter.on('error', () => {})
    await limiter.ready()
    // Nine is its least important, and its priorities are of one process.
    return ({ priority = 2 } = {}) =>
      new Promise((resolve, reject) => {
        limiter.schedule({ priority: 9 - 3 * priority }, () => new Promise((done) => resolve(done))).catch(reject)
      })
  },
  /** No limit at all: two processes pass one token by a script of one line. What a message costs by itself. */
  async 'a message alone'({ port }) {
    const { createClient } = await import('redis')
    const client = createClient({ RESP: 3, socket: { port, host: '127.0.0.1' } })
    await client.on('error', () => {}).connect()
    const place = (await client.incr('places')) % 2
    let [tokens, wake] = [place, undefined]
    await client.sSubscribe(`{token}:${place}`, () => {
      tokens++
      wake?.()
    })
    const message = { keys: [`{token}:${1 - place}`], arguments: [] }
    const pass = async () => {
      while ((await client.eval("return redis.call('SPUBLISH', KEYS[1], '')", message)) === 0)
        await new Promise((done) => setTimeout(done, 5))
    }
    return async () => {
      if (tokens === 0) await new Promise((done) => (wake = done))
      tokens--
      return pass
    }
  },
  async naive({ port, limit }) {
    const client = await ioredis(port)
    return async () => {
      while (Number((await client.get('active')) ?? 0) >= limit) await new Promise((done) => setTimeout(done, 5))
      await client.incr('active')
      return () => client.decr('active')
    }
  },
}
