import { memoryBuckets } from '../../src/coordinate/index.ts'
import { seeded, type Random } from '../../src/ground/index.ts'
import { llmPool, provider, type LlmLease, type LlmPool } from '../../src/llm/index.ts'
import { distant } from './pool-load.ts'
import { StepClock } from './step-clock.ts'

const DAY = 86_400_000
const [CONCURRENCY, CALLERS] = [40, 120]
const TOKENS = 1e8
const MODEL = 'm'

export interface Aborts {
  /** Calls that were begun, and how many of them were given up before they had a lease. */
  readonly begun: number
  readonly waiting: number
  /** Calls in progress and waiting in the end, as the pools count them. */
  readonly left: number
  /** Slots that nobody has and nobody gets. */
  readonly slots: number
  /** Tokens that were charged and not used, by an account kept beside; below 0 some came back twice. */
  readonly tokens: number
}

/**
 * Gives up calls in every phase, in virtual time: before and while they wait, in the instant they are let in, before the
 * first token, in the middle, and as they are sent back. The limit is one of the day, so that nothing that is lost comes back
 * by itself.
 */
export async function playAborts(count: number, seed: number, forget = 0): Promise<Aborts> {
  const clock = new StepClock()
  const random = seeded(seed)
  const store = distant(memoryBuckets({ clock }), clock, 0.5)
  const limits = [
    provider.openai({ model: MODEL, tpd: TOKENS, concurrency: CONCURRENCY, modes: { tokensDaily: 'reserve-refund' } }),
  ]
  const pools: LlmPool[] = [1, 2, 3].map((at) =>
    llmPool({ limits, store, clock, random: seeded(seed + at), queue: { maxWait: 1e9 } }),
  )
  const sum = { used: 0, waiting: 0, begun: 0, ended: 0 }
  const call = async (pool: LlmPool, input: number, maxOutput: number): Promise<void> => {
    const stop = new AbortController()
    // A third waits for what comes, the others leave at any time.
    if (random() < 0.67) clock.after(400 * random() ** 3, () => stop.abort())
    if (random() < 0.02) stop.abort()
    let lease: LlmLease
    try {
      lease = await pool.acquire({ model: MODEL, input, maxOutput, signal: stop.signal })
    } catch {
      sum.waiting++
      return
    }
    const taken = lease.taken.tokensDaily!
    const used = await playCall(lease, { clock, random, signal: stop.signal, input, maxOutput, taken })
    sum.used += used
    // The control: somebody forgets what it has.
    if (!lease.ended && sum.begun % forget !== 0) lease.abandon()
  }
  const first = await grown(clock, pools[0]!)
  const since = clock.now()
  const caller = async (pool: LlmPool): Promise<void> => {
    while (sum.begun < count) {
      sum.begun++
      await call(pool, 1 + Math.floor(500 * random()), 1 + Math.floor(1000 * random()))
      await clock.sleep(20 * random())
    }
  }
  for (let at = 0; at < CALLERS; at++) void caller(pools[at % pools.length]!).then(() => sum.ended++)
  while (sum.ended < CALLERS) await clock.pass(1000)
  await clock.pass(10_000)
  const left = pools.reduce((rest, pool) => rest + pool.status()[0]!.inflight + pool.status()[0]!.queued, 0)
  const last = await grown(clock, pools[0]!)
  const back = ((clock.now() - since) * TOKENS) / DAY
  const free = await freeSlots(clock, pools[1]!)
  await Promise.all([...pools.map((pool) => pool.close()), clock.pass(5000)])
  const { used, waiting, begun } = sum
  return { begun, waiting, left, slots: CONCURRENCY - free, tokens: first + back - used - last }
}

interface Playing {
  readonly clock: StepClock
  readonly random: Random
  readonly signal: AbortSignal
  readonly input: number
  readonly maxOutput: number
  readonly taken: number
}

/** One call, to its end or until its caller leaves. Answers what it has used. */
async function playCall(lease: LlmLease, playing: Playing): Promise<number> {
  const { clock, random, signal, input, maxOutput, taken } = playing
  if (signal.aborted) return taken
  await clock.sleep(300 * random())
  // Nothing is known of its use: what was charged is kept.
  if (signal.aborted) return taken
  if (random() < 0.1) {
    lease.refused({ status: 400 })
    return 0
  }
  lease.heard({})
  const output = Math.floor(maxOutput * random())
  const produced = Math.floor(output * random())
  lease.produced(produced)
  await clock.sleep(300 * random())
  if (signal.aborted) {
    lease.abandon()
    return taken - maxOutput + produced
  }
  lease.settle({ input, output })
  return input + output
}

/** What is left of the day's tokens, all processes together, once it has just been asked for. */
async function grown(clock: StepClock, pool: LlmPool): Promise<number> {
  await taken(clock, pool)
  const { available, held } = pool.status()[0]!.budgets.tokensDaily!
  return available + held
}

async function taken(clock: StepClock, pool: LlmPool): Promise<void> {
  const asked = pool.acquire({ model: MODEL, input: 0, maxOutput: 1 }).then((lease) => {
    lease.settle({ input: 0, output: 0 })
  })
  await clock.pass(2000)
  await asked
}

/** How many calls can be in progress at once. */
async function freeSlots(clock: StepClock, pool: LlmPool): Promise<number> {
  let free = 0
  for (let at = 0; at < CONCURRENCY + 10; at++)
    pool.acquire({ model: MODEL, input: 1, maxOutput: 1 }).then(
      () => free++,
      () => undefined,
    )
  await clock.pass(20_000)
  return free
}
