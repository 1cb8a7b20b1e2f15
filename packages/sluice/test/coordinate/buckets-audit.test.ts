import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded, type Clock, type Random } from '../../src/index.ts'
import {
  fleetBuckets,
  memoryBuckets,
  type BucketsAccount,
  type BucketsCoordinator,
  type FleetBuckets,
} from '../../src/coordinate/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { pass } from './buckets-rig.ts'

const CAPACITY = 5000
const BUCKETS = { tokens: { tokens: 2000, capacity: CAPACITY } }
/** Tokens a ms. */
const RATE = 2
const LEASE = 200
/** The most one arrival takes, and is corrected by. */
const COST = 10

/** The coordinator's own books: to which level it has brought each account, whoever heard of it. */
class Books implements BucketsCoordinator {
  readonly levels = new Map<string, number>()
  /** Nothing reaches it any more. */
  dead = false
  readonly #inner: BucketsCoordinator
  readonly #clock: VirtualClock
  readonly #random: Random

  /** How many tokens are forgotten with each statement. */
  readonly #forgets: number

  constructor(inner: BucketsCoordinator, clock: VirtualClock, random: Random, forgets: number) {
    this.#inner = inner
    this.#forgets = forgets
    this.#clock = clock
    this.#random = random
  }

  open(...[budget, tenant, session, noticed]: Parameters<BucketsCoordinator['open']>): BucketsAccount {
    const account = this.#inner.open(budget, tenant, session, noticed)
    const way = (): Promise<void> => new Promise((resolve) => this.#clock.after(this.#random() * 40, resolve))
    return {
      close: () => account.close(),
      state: async (statement) => {
        // Late, lost on the way there, or on the way back.
        const fate = this.#random()
        await way()
        if (this.dead || fate < 0.03) throw new Error('lost on the way there')
        const less = this.#forgets * statement.turn
        const down = (levels: readonly number[]): number[] => levels.map((level) => level - less)
        const { keep, need, want } = statement
        const levels = { keep: down(keep), need: down(need), want: down(want) }
        const grant = await account.state({ ...statement, ...levels })
        this.levels.set(session, grant.level[0]!)
        await way()
        if (fate < 0.06) throw new Error('lost on the way back')
        return { ...grant, level: grant.level.map((level) => level + less) }
      },
    }
  }
}

/** A clock that is set ten seconds ahead or back every now and then. */
function jumping(clock: Clock, random: Random): Clock {
  let ahead = 0
  return {
    now() {
      if (random() < 0.001) ahead += random() < 0.5 ? 10_000 : -10_000
      return clock.now() + ahead
    },
    after: (...args) => clock.after(...args),
  }
}

interface Process {
  readonly gate: FleetBuckets<'tokens'>
  readonly books: Books
  /** What it has really used. */
  used: number
}

interface Findings {
  /** By how much what is charged and what is left differ from what there was and what came back. */
  readonly drift: number
  /** By how much what one that was killed is charged differs from what it used, at most; and one that ended by itself. */
  readonly lost: number
  readonly owed: number
  readonly kills: number
  readonly admitted: number
}

/** A fleet that is killed and born again, whose messages are lost and late, and whose clocks jump; and what it says. */
async function chaos(seed: number, jumps: boolean, forgets = 0): Promise<Findings> {
  const clock = new VirtualClock(0)
  const random = seeded(seed)
  const memory = memoryBuckets({ clock })
  const dice = seeded(seed + 100)
  const all: Process[] = []
  const birth = (): Process => {
    const own = new Books(memory, clock, seeded(seed + all.length), forgets)
    const gate = fleetBuckets({
      ...plain,
      coordinator: own,
      lease: LEASE,
      clock: jumps ? jumping(clock, dice) : clock,
      random,
    })
    const process = { gate, books: own, used: 0 }
    all.push(process)
    return process
  }
  // All there is, at once: from then on no bucket is full, and nothing that comes back is lost.
  const plain = { buckets: BUCKETS, coordinator: memory, onDown: 'closed', clock } as const
  await fleetBuckets({ ...plain, lease: 0 }).take({ tokens: CAPACITY })
  let alive = [birth(), birth(), birth(), birth()]
  const log: [at: number, tokens: number][] = []
  for (let ms = 0; ms < 20_000; ms++) {
    for (const process of alive)
      for (let count = 0; count < 3; count++) {
        const permit = process.gate.tryEnter({ cost: COST / 2 })
        if (!permit.admitted) continue
        const actual = random() < 0.2 ? Math.floor(random() * COST) : COST / 2
        permit.release('success', actual)
        process.used += actual
        log.push([clock.now(), actual])
      }
    if (random() < 0.002) {
      alive[0]!.books.dead = true
      alive = [...alive.slice(1), birth()]
    }
    await pass(clock, 1)
  }
  for (const { gate } of alive) void gate.close()
  await pass(clock, 1000, 5)
  let [charged, lost, owed] = [CAPACITY, 0, 0]
  for (const { books, used } of all) {
    const level = [...books.levels.values()].reduce((sum, one) => sum + one, 0)
    charged += level
    if (books.dead) lost = Math.max(lost, Math.abs(level - used))
    else owed = Math.max(owed, Math.abs(level - used))
  }
  const asks = fleetBuckets(plain)
  await asks.take({ tokens: 0 })
  const drift = Math.abs(charged + asks.status().tokens.available - (CAPACITY + RATE * clock.now()))
  const admitted = log.reduce((sum, [, tokens]) => sum + tokens, 0)
  return { drift, lost, owed, kills: all.length - alive.length, admitted }
}

describe('S3.5 the books of a fleet in chaos', () => {
  for (const [seed, jumps] of [
    [1, false],
    [2, true],
    [3, true],
  ] as const)
    it(`S3.5 charged and left are capacity and refill, to the last token: seed ${seed}${jumps ? ', jumping clocks' : ''}`, async () => {
      const { drift, lost, owed, kills, admitted } = await chaos(seed, jumps)
      assert.ok(kills > 15, `${kills} killed`)
      assert.ok(drift < 1e-2, `${drift} tokens astray`)
      // What it would have used in a lease had it all that comes, and what it had not told yet.
      assert.ok(lost <= RATE * LEASE + 4 * COST, `${lost} lost with one that was killed`)
      // Its last word may be lost.
      assert.ok(owed <= RATE * LEASE + 4 * COST, `${owed} lost with one that was closed`)
      const allowed = RATE * 20_000
      assert.ok(admitted <= allowed + 4 * COST * 4 && admitted >= 0.9 * allowed, `${admitted} of ${allowed}`)
    })

  it('S3.5 control: twenty tokens forgotten with each statement are found out', async () => {
    const { lost, owed } = await chaos(1, false, 20)
    assert.ok(Math.max(lost, owed) > RATE * LEASE + 4 * COST, `${lost} and ${owed}`)
  })
})
