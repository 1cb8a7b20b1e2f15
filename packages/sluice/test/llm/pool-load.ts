import { memoryBuckets, type BucketsCoordinator } from '../../src/coordinate/index.ts'
import { seeded, type Millis, type Random } from '../../src/ground/index.ts'
import { llmPool, type LlmLease, type LlmPool, type LlmPoolOptions } from '../../src/llm/index.ts'
import { OwnBucket } from './own-bucket.ts'
import { MODEL, type Scene } from './pool-scenes.ts'
import { ProviderModel, type Call, type Reply } from './provider-model.ts'
import { StepClock } from './step-clock.ts'

export type Strategy = 'pool' | 'sdk' | 'own bucket' | 'cookbook'

export interface LoadOptions {
  readonly scene: Scene
  readonly processes: number
  /** Callers of all processes, each of whom always wants one more. */
  readonly callers: number
  readonly strategy?: Strategy
  readonly warmUp?: Millis
  readonly duration: Millis
  readonly seed: number
  /** The estimate of a prompt is so many times what it is, give or take 8 %. Default 1. */
  readonly bias?: number
  /** Tokens of the tight limit that somebody else uses, as a part of it, from the middle on. Default 0. */
  readonly foreign?: number
  /** The tight limit becomes so many times what it was, in the middle. Default 1. */
  readonly cut?: number
  /** The store is gone for so long, from the middle on, in ms. Default 0. */
  readonly outage?: Millis
  /** A part of the processes ends in the middle, without a word. Default 0. */
  readonly killed?: number
  readonly pool?: Partial<LlmPoolOptions>
  /** No request says how long its answer may be. Default false. */
  readonly unsaid?: boolean
  /** Nobody tells what a prompt was counted as: streams of OpenAI's chat do so only when they are asked to. Default false. */
  readonly untold?: boolean
  /** The calls, where others are wanted. */
  readonly callOf?: (random: Random) => Call
  /** Told of every pool made. */
  readonly made?: (pools: readonly LlmPool[], clock: StepClock, model: ProviderModel) => void
}

export interface LoadResult {
  /** What was counted of the tight limit after warming up, as a part of what it allows. */
  readonly utilization: number
  readonly refused: number
  /** 429s after warming up. */
  readonly refusedLater: number
  /** 429s within 2 s of the event in the middle, and later. */
  readonly atEvent: number
  readonly afterEvent: number
  readonly served: number
  /** The fullest the tight bucket ever was. */
  readonly fullest: number
  readonly pools: readonly LlmPool[]
}

/** A call like most: some are long, some short; a third of what may be answered is. */
export function ordinaryCall(random: Random): Call {
  const input = Math.round(200 + 2800 * random() ** 2)
  const maxOutput = Math.round(300 + 1700 * random())
  return { input, cached: 0, maxOutput, output: Math.max(1, Math.round(maxOutput * (0.1 + 0.6 * random()))) }
}

/** The same, by somebody who leaves out `max_tokens`: a provider that counts nothing for it in advance. */
export function openEndedCall(random: Random): Call {
  return { ...ordinaryCall(random), maxOutput: 0 }
}

/** A prompt of which 93 to 97 % come from the cache. */
export function cachedCall(random: Random): Call {
  const call = ordinaryCall(random)
  const input = 30 * call.input
  return { ...call, input, cached: Math.round(input * (0.93 + 0.04 * random())) }
}

/** The way to the store takes a moment. */
export function distant(
  coordinator: BucketsCoordinator,
  clock: StepClock,
  delay: Millis,
  isGone: () => boolean = () => false,
): BucketsCoordinator {
  return {
    open: (budget, tenant, session, noticed) => {
      const account = coordinator.open(
        budget,
        tenant,
        session,
        noticed && ((isTurn) => void clock.after(delay, () => noticed(isTurn))),
      )
      return {
        state: async (statement) => {
          await clock.sleep(delay)
          if (isGone()) throw new Error('gone')
          const grant = await account.state(statement)
          await clock.sleep(delay)
          return grant
        },
        close: () => account.close(),
      }
    },
  }
}

/** Plays a load against a provider, in virtual time, with the code that ships. */
export async function playLoad(options: LoadOptions): Promise<LoadResult> {
  const { scene, processes, callers, strategy = 'pool', warmUp = 60_000, duration, seed, bias = 1 } = options
  const {
    foreign = 0,
    cut = 1,
    outage = 0,
    killed = 0,
    unsaid = false,
    untold = false,
    callOf = ordinaryCall,
  } = options
  const clock = new StepClock()
  const random = seeded(seed)
  const model = new ProviderModel(clock, scene.truth())
  let event = Infinity
  const isGone = (): boolean => clock.now() >= event && clock.now() < event + outage
  const store = distant(memoryBuckets({ clock }), clock, 0.5, isGone)
  const pools = Array.from({ length: strategy === 'pool' ? processes : 0 }, (_, at) =>
    llmPool({
      limits: [scene.limits()],
      store,
      clock,
      random: seeded(seed * 1000 + at),
      queue: { maxWait: 1e9 },
      wall: () => clock.now(),
      ...options.pool,
    }),
  )
  options.made?.(pools, clock, model)
  const tight = model.bucket(scene.tight)
  const end = clock.now() + warmUp + duration
  const jitter = (): Millis => 5 + 255 * random()
  const own = Array.from({ length: processes }, () => new OwnBucket(tight.limit, clock))
  const cookbook = Array.from({ length: processes }, () => new OwnBucket((0.75 * tight.limit) / processes, clock))

  /** Sends it: answers the reply once its head is back, and the rest of the way. */
  const send = async (
    call: Call,
  ): Promise<{ reply: Reply; rest: (produced?: (tokens: number) => void) => Promise<void> }> => {
    await clock.sleep(jitter())
    const reply = model.arrive(call)
    const back = jitter()
    await clock.sleep(back)
    const rest = async (produced?: (tokens: number) => void): Promise<void> => {
      for (let step = 1; step <= 10; step++) {
        await clock.sleep(call.output)
        model.produce(call, 0.1)
        produced?.((call.output * step) / 10)
      }
      model.finish(call)
      await clock.sleep(jitter())
    }
    return { reply, rest }
  }
  const estimate = (call: Call): number => Math.round(call.input * bias * (0.92 + 0.16 * random()))
  const byPool = async (pool: LlmPool, isDead: () => boolean): Promise<void> => {
    const call = callOf(random)
    let lease: LlmLease = await pool.acquire({
      model: MODEL,
      input: estimate(call),
      ...(!unsaid && { maxOutput: call.maxOutput }),
    })
    for (;;) {
      const { reply, rest } = await send(call)
      // Who is killed settles nothing any more.
      if (isDead()) return
      if (reply.status === 200) {
        lease.heard(reply.headers)
        await rest((tokens) => lease.produced(tokens))
        const { input, cached: cacheRead, output } = call
        return lease.settle(untold ? { output } : { input, output, cacheRead })
      }
      lease.refused(reply)
      lease = await lease.again()
    }
  }
  const byBackoff = async (): Promise<void> => {
    const call = callOf(random)
    for (let attempt = 0; clock.now() < end; attempt++) {
      const { reply, rest } = await send(call)
      if (reply.status === 200) return rest()
      const told = Number(reply.headers['retry-after-ms'] ?? 0)
      await clock.sleep(told > 0 ? told : Math.min(8000, 500 * 2 ** attempt) * (1 - 0.25 * random()))
    }
  }
  const byBucket = async (bucket: OwnBucket): Promise<void> => {
    const call = callOf(random)
    await bucket.take(scene.naive({ ...call, input: estimate(call) }))
    for (let attempt = 0; clock.now() < end; attempt++) {
      const { reply, rest } = await send(call)
      if (reply.status === 200) return rest()
      await clock.sleep(Math.min(8000, 500 * 2 ** attempt) * (1 - 0.25 * random()))
    }
  }
  const caller = async (at: number): Promise<void> => {
    await clock.sleep(1000 * random())
    const mine = at % processes
    const isDead = (): boolean => clock.now() >= event && mine < killed * processes
    while (clock.now() < end && !isDead())
      if (strategy === 'pool') await byPool(pools[mine]!, isDead)
      else if (strategy === 'sdk') await byBackoff()
      else await byBucket((strategy === 'cookbook' ? cookbook : own)[mine]!)
  }
  for (let at = 0; at < callers; at++)
    caller(at).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== 'closed') throw error
    })

  await clock.pass(warmUp)
  const before = tight.counted
  const refusedBefore = model.refusals.length
  let allowed = 0
  const eventful = foreign > 0 || cut !== 1 || outage > 0 || killed > 0
  await clock.pass(duration / 2)
  allowed += ((duration / 2) * tight.limit) / (tight.per ?? 60_000)
  event = clock.now()
  const refusedByEvent = model.refusals.length
  if (cut !== 1) model.cut(scene.tight, tight.limit * cut)
  let taken = 0
  if (foreign > 0) {
    const others = async (): Promise<void> => {
      while (clock.now() < end) {
        const amount = ((foreign * tight.limit) / 60_000) * 250
        tight.used += amount
        taken += amount
        await clock.sleep(250)
      }
    }
    void others()
  }
  const atEventStart = tight.counted
  await clock.pass(duration / 2)
  allowed += ((duration / 2) * tight.limit) / (tight.per ?? 60_000) - taken
  // After an event only what came after it counts.
  const counted = eventful ? tight.counted - atEventStart : tight.counted - before
  if (eventful) allowed -= ((duration / 2) * (tight.limit / cut)) / (tight.per ?? 60_000)
  const result = {
    utilization: counted / allowed,
    refused: model.refusals.length,
    refusedLater: model.refusals.length - refusedBefore,
    atEvent: eventful ? model.refusals.filter((at) => at >= event && at < event + 2000).length : 0,
    afterEvent: eventful
      ? model.refusals.length - refusedByEvent - model.refusals.filter((at) => at >= event && at < event + 2000).length
      : 0,
    served: model.served,
    fullest: tight.fullest,
    pools,
  }
  return result
}
