import { createHash } from 'node:crypto'
import {
  PARTS,
  type BucketsAccount,
  type BucketsDemand,
  type BucketsCoordinator,
  type BucketsGrant,
  type BucketsPace,
  type BucketsStanding,
  type BucketsStatement,
} from '../coordinate/index.ts'
import { checkAble } from '../ground/index.ts'
import { BucketsNotices } from './buckets-notices.ts'
import type { RedisPort } from './port.ts'
import { bucketsState } from './scripts/buckets-state.ts'

/**
 * Buckets in Redis (7 or later) or Valkey: two keys a tenant (a third while somebody waits), of one hash slot, which vanish a minute or two after the
 * buckets would be full. Names go into the keys as hashes only, and into the script not at all. One channel for each
 * budget is listened to, over the port, for as long as tenants of it are remembered.
 */
export function redisBuckets(port: RedisPort): BucketsCoordinator {
  checkAble('redisBuckets.port', port, 'nodeRedis(…) or ioRedis(…)', 'run', 'subscribe')
  const channels = new Map<string, BucketsNotices>()
  return {
    open(budget, tenant, session, noticed) {
      const names = budget.buckets.map((bucket) => bucket.name)
      const channel = `sl1:{${hashOf([budget.name, names])}}:tn`
      const notices = channels.get(channel) ?? new BucketsNotices(port, channel)
      channels.set(channel, notices)
      const hash = hashOf([budget.name, names, tenant])
      if (noticed !== undefined) notices.add(hash, session, noticed)
      return new RedisAccount(port, hash, session, notices)
    },
  }
}

/** 128 bits of SHA-256: whoever chooses a tenant's name cannot choose whose buckets it meets. */
function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32)
}

class RedisAccount implements BucketsAccount {
  readonly #port: RedisPort
  readonly #hash: string
  readonly #keys: readonly string[]
  readonly #session: string
  readonly #notices: BucketsNotices
  #limits: Limits | undefined

  constructor(port: RedisPort, hash: string, session: string, notices: BucketsNotices) {
    this.#port = port
    this.#hash = hash
    this.#keys = [`sl1:{${hash}}:tb`, `sl1:{${hash}}:ts`, `sl1:{${hash}}:tl`]
    this.#session = session
    this.#notices = notices
  }

  async state(statement: BucketsStatement): Promise<BucketsGrant> {
    this.#notices.listen()
    if (this.#limits === undefined || !isSame(this.#limits.refills, statement.pace.refills))
      this.#limits = limitsOf(statement.pace.refills)
    const args = argumentsOf(this.#session, this.#limits, statement)
    let answer = await this.#port.run(bucketsState, this.#keys, args)
    // Not known there, or not any more.
    answer ??= await this.#port.run(bucketsState, this.#keys, inFull(this.#session, this.#limits, statement))
    if (statement.news?.urgent === true) this.#notices.tell(this.#hash, this.#session)
    const { called, ...grant } = grantOf(answer, statement)
    if (called !== undefined) this.#notices.call(this.#hash, called)
    return grant
  }

  close(): void {
    this.#notices.remove(this.#hash, this.#session)
  }
}

function argumentsOf(session: string, limits: Limits, statement: BucketsStatement): (string | number)[] {
  const { turn, known, critical, pace, reserve, hold, keep, need, want, news } = statement
  if (turn === 1 || news !== undefined || reserve > 0 || hold > 0) return inFull(session, limits, statement)
  const stamp = pace.stamp > 0 ? pace.stamp : limits.stamp
  const args: (string | number)[] = [session, turn, (known ? 1 : 0) + (critical ? 2 : 0), stamp]
  for (let at = 0; at < keep.length; at++) args.push(keep[at]!, need[at]!, want[at]!)
  return withDemand(args, session, statement.demand)
}

/** Lines are sent as hashes: whoever chooses a name cannot choose whose account it goes to. Nobody chooses a session's. */
function withDemand(
  args: (string | number)[],
  session: string,
  demand: BucketsDemand | undefined,
): (string | number)[] {
  if (demand === undefined) return args
  const { priority, line, charge, age, waits, told, abreast } = demand
  args[2] = (args[2] as number) + 32
  args.push(priority, line === session ? session : hashOf(line), charge, waits ? age : -1)
  for (const { line: name, more } of told) args.push(hashOf(name), more)
  args.push(abreast, told.length)
  return args
}

function inFull(session: string, limits: Limits, statement: BucketsStatement): (string | number)[] {
  const { turn, known, critical, pace, reserve, hold, claim, keep, need, want, news } = statement
  const said = news === undefined ? 0 : 4 + (news.pace ? 8 : 0)
  const flags = 16 + (known ? 1 : 0) + (critical ? 2 : 0) + said
  const stamp = pace.stamp > 0 ? pace.stamp : limits.stamp
  const args: (string | number)[] = [session, turn, flags, stamp, reserve, hold]
  for (let at = 0; at < keep.length; at++) {
    args.push(keep[at]!, need[at]!, want[at]!, claim[at]!, limits.texts[2 * at]!, limits.texts[2 * at + 1]!)
    if (news !== undefined) args.push(news.most[at]! < Infinity ? news.most[at]! : '-')
  }
  return withDemand(args, session, statement.demand)
}

type Refills = BucketsPace['refills']

/** Limits as they are sent, kept because they hardly ever change and writing them out costs more than all else. */
interface Limits {
  readonly refills: Refills
  readonly texts: readonly string[]
  /** Tells the limits of one process from those of another: below 0. */
  readonly stamp: number
}

function limitsOf(refills: Refills): Limits {
  const texts = refills.flatMap(({ interval, capacity }) => [`${interval}`, `${capacity}`])
  const stamp = -1 - Number.parseInt(hashOf(texts).slice(0, 12), 16)
  return { refills: refills.map(({ interval, capacity }) => ({ interval, capacity })), texts, stamp }
}

function isSame(a: Refills, b: Refills): boolean {
  for (let at = 0; at < a.length; at++)
    if (a[at]!.interval !== b[at]!.interval || a[at]!.capacity !== b[at]!.capacity) return false
  return true
}

/** What is granted, and whose turn it is sooner than it knows. */
interface Answer extends BucketsGrant {
  readonly called: string | undefined
}

function grantOf(answer: unknown, { keep, need, pace, news, demand }: BucketsStatement): Answer {
  const rest = 1 + 2 * keep.length
  const { said, limits, order } = partsOf(answer, rest)
  const first = said[0]!
  const granted = first % 2 === 1
  const level: number[] = []
  const available: number[] = []
  for (let at = 0; at < keep.length; at++) {
    level.push(granted ? need[at]! + said[1 + 2 * at]! / PARTS : keep[at]!)
    available.push(said[2 + 2 * at]! / PARTS)
  }
  const grant = { granted, sessions: Math.floor(first / 2), level, available, ...orderOf(order, demand) }
  if (limits === undefined) return { ...grant, retryAfter: 0, hold: 0 }
  const stamp = said[rest + 2]!
  const times = { retryAfter: said[rest]! / 1000, hold: said[rest + 1]! / 1000 }
  if (stamp === pace.stamp && news?.pace !== true) return { ...grant, ...times }
  return { ...grant, ...times, pace: paceOf(stamp, limits, keep.length) }
}

/** What stands between here and the server may say anything: an answer that makes no sense is no answer. */
function partsOf(answer: unknown, rest: number): { said: readonly number[]; limits?: unknown; order?: string } {
  const parts: readonly unknown[] = Array.isArray(answer) ? answer : []
  const more = parts.length - rest
  if (more !== 0 && more !== 1 && more !== 4 && more !== 5) throw senseless()
  const isLong = more >= 4
  const said = parts.slice(0, isLong ? rest + 3 : rest).map(Number)
  if (!said.every((each) => Number.isFinite(each))) throw senseless()
  return {
    said,
    ...(isLong && { limits: parts[rest + 3] }),
    ...((more === 1 || more === 5) && { order: String(parts.at(-1)) }),
  }
}

function orderOf(
  order: string | undefined,
  demand: BucketsDemand | undefined,
): { called: string | undefined; standing?: BucketsStanding } {
  if (order === undefined) return { called: undefined }
  const [name = '-', ...figures] = order.split(' ')
  const called = name === '-' ? undefined : name
  if (demand === undefined || figures.length === 0) return { called }
  const [episode = NaN, virtual = NaN, ...charged] = figures.map(Number)
  if (charged.length !== demand.told.length || ![episode, virtual, ...charged].every((each) => Number.isFinite(each)))
    throw senseless()
  return { called, standing: { episode, virtual, charged } }
}

function paceOf(stamp: number, text: unknown, buckets: number): BucketsPace {
  const numbers = String(text).split(' ').map(Number)
  if (numbers.length !== 2 * buckets || !numbers.every((each) => each >= 0 && each < Infinity)) throw senseless()
  const refills = []
  for (let at = 0; at < numbers.length; at += 2) refills.push({ interval: numbers[at]!, capacity: numbers[at + 1]! })
  return { stamp, refills }
}

function senseless(): Error {
  return new Error('redisBuckets: an answer that makes no sense')
}
