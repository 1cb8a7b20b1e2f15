import assert from 'node:assert/strict'
import { RejectedError, seeded, type Priority } from '../../src/index.ts'
import { fleetBuckets, type FleetBuckets } from '../../src/coordinate/index.ts'
import { llmPool, provider, type LlmPool } from '../../src/llm/index.ts'
import type { OrderStage, ProcessLine } from './order-stage.ts'

/** A token a ms, 1000 at once. */
const [RATE, CAPACITY] = [1, 1000]
/** For so long tokens may be at hand, in ms. */
const LEASE = 200
const SMALL = 20

function gateAt(stage: OrderStage, line: ProcessLine, seed: number): FleetBuckets<'tokens'> {
  const { clock } = stage
  const buckets = { tokens: { tokens: 1000 * RATE, capacity: CAPACITY } }
  const parts = { coordinator: line, onDown: 'closed', clock, random: seeded(seed), lease: LEASE } as const
  return fleetBuckets({ name: 'order', buckets, ...parts, maxWait: 1e9 })
}

/** Asks for tokens again and again, as soon as it has got some; answers are told of. */
function asker(gate: FleetBuckets<'tokens'>, cost: number, priority: Priority, got: (cost: number) => void): void {
  gate.acquire({ cost, priority }).then(
    () => {
      got(cost)
      asker(gate, cost, priority, got)
    },
    (error: unknown) => assert.ok(error instanceof RejectedError),
  )
}

/** Some processes whose askers, twenty each, want far more than there is: what they got is counted. */
async function crowd(stage: OrderStage, processes: number, priority: Priority): Promise<Crowd> {
  const made: Crowd = { got: 0, gates: [] }
  for (let at = 0; at < processes; at++) {
    const gate = gateAt(stage, stage.process(), at)
    made.gates.push(gate)
    for (let count = 0; count < 20; count++) asker(gate, SMALL, priority, (cost) => void (made.got += cost))
  }
  await stage.pass(2500)
  return made
}

interface Crowd {
  got: number
  readonly gates: FleetBuckets<'tokens'>[]
}

export interface Waited {
  /** How long each waited, in ms, and what others got meanwhile; `Infinity` where it never came. */
  readonly times: readonly number[]
  readonly passed: readonly number[]
}

/** One process asks for as much as a bucket holds, three times, one after the other, amid three that ask for little. */
export async function bigAmidSmall(stage: OrderStage): Promise<Waited> {
  const others = await crowd(stage, 3, 1)
  const gate = gateAt(stage, stage.process(), 9)
  await gate.take({ tokens: 0 })
  const [times, passed]: [number[], number[]] = [[], []]
  for (let round = 0; round < 3; round++) {
    const [since, before] = [stage.clock.now(), others.got]
    gate.acquire({ cost: CAPACITY, priority: 1 }).then(
      () => {
        times.push(stage.clock.now() - since)
        passed.push(others.got - before)
      },
      () => {},
    )
    for (let waited = 0; waited < 8000 && times.length === round; waited += 20) await stage.pass(20)
    if (times.length === round) return { times: [...times, Infinity], passed: [...passed, Infinity] }
  }
  void gate.close()
  for (const other of others.gates) void other.close()
  return { times, passed }
}

/** The law of {@link bigAmidSmall}: before one that waits each other line has what that line has had last, and one more. */
export function holdsBig({ times, passed }: Waited): void {
  const atHand = RATE * LEASE
  passed.forEach((amount, round) => {
    const most = 3 * ((round > 0 ? CAPACITY : 0) + SMALL) + atHand
    assert.ok(amount <= most, `round ${round}: ${amount} passed it, at most ${most}`)
    assert.ok(times[round]! <= (CAPACITY + most) / RATE + 20, `round ${round}: ${times[round]} ms`)
  })
  assert.equal(times.length, 3)
}

/** One process asks now and then for something important, amid three that are overrun by what is not. */
export async function urgentAmidOthers(stage: OrderStage): Promise<Waited> {
  const others = await crowd(stage, 3, 1)
  const gate = gateAt(stage, stage.process(), 9)
  await gate.take({ tokens: 0 })
  const [times, passed]: [number[], number[]] = [[], []]
  for (let round = 0; round < 5; round++) {
    const [since, before] = [stage.clock.now(), others.got]
    void gate.acquire({ cost: 100, priority: 2 }).then(
      () => {
        times.push(stage.clock.now() - since)
        passed.push(others.got - before)
      },
      () => {},
    )
    await stage.pass(600)
  }
  void gate.close()
  for (const other of others.gates) void other.close()
  return { times, passed }
}

/** The law of {@link urgentAmidOthers}: as soon as there is enough for it, whatever waits elsewhere. */
export function holdsUrgent({ times, passed }: Waited): void {
  assert.equal(times.length, 5)
  for (const [at, time] of times.entries())
    assert.ok(time <= 100 / RATE + 20 && passed[at]! <= SMALL * 3, `${time} ms, ${passed[at]} passed it`)
}

/**
 * Everything is taken. One process waits for nearly all, another behind it for little; after 100 ms the first leaves, then
 * what was taken is given back and one waits for nearly all again: how long the others wait from then on, in ms.
 */
export async function calledSooner(stage: OrderStage): Promise<{ readonly left: number; readonly givenBack: number }> {
  const [has, big, small] = [1, 2, 3].map((seed) => gateAt(stage, stage.process(), seed))
  for (const gate of [big!, small!]) await gate.take({ tokens: 0 })
  const taken = await has!.reserve({ tokens: CAPACITY })
  const leaving = new AbortController()
  big!.acquire({ cost: CAPACITY, signal: leaving.signal }).catch(() => {})
  await stage.pass(20)
  const waits = async (gate: FleetBuckets<'tokens'>, cost: number): Promise<number> => {
    const since = stage.clock.now()
    await gate.acquire({ cost })
    return stage.clock.now() - since
  }
  const behind = waits(small!, SMALL)
  await stage.pass(80)
  leaving.abort()
  await stage.pass(1500)
  const left = (await behind) - 80
  const again = await has!.reserve({ tokens: CAPACITY }, { maxWait: 5 }).catch(() => taken)
  await stage.pass(20)
  const nearlyAll = waits(big!, CAPACITY - SMALL)
  await stage.pass(20)
  again.release('ignored', 0)
  await stage.pass(1500)
  const givenBack = (await nearlyAll) - 20
  for (const gate of [has!, big!, small!]) void gate.close()
  return { left, givenBack }
}

/** A process that waits for as much as there may be is killed: how long nobody else gets anything, in ms. */
export async function killedAmidOthers(stage: OrderStage): Promise<number> {
  const others = await crowd(stage, 3, 1)
  const line = stage.process()
  const gate = gateAt(stage, line, 9)
  await gate.take({ tokens: 0 })
  void gate.acquire({ cost: CAPACITY, priority: 3 }).catch(() => {})
  await stage.pass(300)
  line.dead = true
  const since = stage.clock.now()
  let [longest, last, got] = [0, since, others.got]
  while (stage.clock.now() < since + 5000) {
    await stage.pass(10)
    if (others.got > got) last = stage.clock.now()
    got = others.got
    longest = Math.max(longest, stage.clock.now() - last)
  }
  for (const other of others.gates) void other.close()
  return longest
}

/** What tenants get of all, over 5 s: of one of weight 2 at two pools, and two of weight 1, one of them at two pools. */
export async function tenantsOf(stage: OrderStage): Promise<Readonly<Record<string, number>>> {
  const { clock } = stage
  const limits = [provider.generic({ model: 'm', tpm: 6_000_000 })]
  const weight = (tenant: string): number => (tenant === 'a' ? 2 : 1)
  const pools: LlmPool[] = [0, 1, 2].map((seed) =>
    llmPool({ limits, store: stage.process(), clock, random: seeded(seed), wall: () => 0, weight, onDown: 'closed' }),
  )
  const service: Record<string, number> = { a: 0, b: 0, c: 0 }
  const random = seeded(7)
  const call = (pool: LlmPool, tenant: string): void => {
    const input = Math.round(500 + 1000 * random())
    pool.acquire({ model: 'm', input, maxOutput: 200, tenant }).then(
      (lease) => {
        // What it is differs from what was expected, by tenant.
        const output = tenant === 'b' ? 150 : 20
        lease.heard({})
        clock.after(50, () => {
          lease.settle({ input, output })
          service[tenant]! += input + 2 * output
        })
        call(pool, tenant)
      },
      () => {},
    )
  }
  for (const [at, tenant, count] of [
    [0, 'a', 4],
    [1, 'a', 4],
    [1, 'b', 30],
    [2, 'b', 30],
    [2, 'c', 4],
  ] as const)
    for (let calls = 0; calls < count; calls++) call(pools[at]!, tenant)
  await stage.pass(65_000 / 20)
  const before = { ...service }
  await stage.pass(5000)
  const shares = Object.entries(service).map(([tenant, sum]) => [tenant, sum - before[tenant]!] as const)
  const total = shares.reduce((sum, [, part]) => sum + part, 0)
  for (const pool of pools) void pool.close()
  await stage.pass(300)
  return Object.fromEntries(shares.map(([tenant, part]) => [tenant, part / total]))
}

/** How far the shares of {@link tenantsOf} are from their weights, as a part of them. */
export function skewOf({ a, b, c }: Readonly<Record<string, number>>): number {
  return Math.max(Math.abs(a! / 0.5 - 1), Math.abs(b! / 0.25 - 1), Math.abs(c! / 0.25 - 1))
}
