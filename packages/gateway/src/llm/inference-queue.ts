import type { Clock, Millis, Priority, Random } from 'sluice'
import { OutputPrediction, ServiceRate, type ModelStatus } from 'sluice/llm'
import type { LlmConfig } from '../config/index.ts'
import { Bands } from './bands.ts'
import type { Asker, Line, LineRefusal, LineStatus, Turn } from './line.ts'
import { ModelServer, type Generation, type ServerMember } from './model-server.ts'
import { ServerTurn, Waiter, type TurnKeeper } from './server-turn.ts'

/** What an {@link InferenceQueue} is made of. */
export interface InferenceQueueParts {
  readonly config: LlmConfig
  readonly members: readonly ServerMember[]
  readonly clock: Clock
  readonly random: Random
}

/** A server that failed is given this long before the next attempt, in ms, doubled each time. */
const BACKOFF: Millis = 250
const LONGEST_BACKOFF: Millis = 8000

/**
 * The queue before model servers. Strict bands by priority with a reserved part for the lower; within a band the tenant with
 * the least service in tokens for its weight is next (a virtual token counter with predicted lengths). Whoever is next goes
 * to the server with the fewest tokens in progress, as soon as one has room.
 *
 * Two tenants of one band that both always have somebody waiting differ in service per weight by at most 2 U over any time,
 * where U is the weight of an output token times the most tokens in progress at all servers together: their caps, where
 * calls are counted with all they may answer (`reserve: max`).
 */
export class InferenceQueue implements Line, TurnKeeper {
  readonly servers: readonly ModelServer[]
  readonly #config: LlmConfig
  readonly #clock: Clock
  readonly #random: Random
  readonly #bands: Bands<Waiter>
  readonly #waiters = new Map<Asker, Waiter>()
  readonly #prediction = new OutputPrediction()
  readonly #rate: ServiceRate
  readonly #widest: number
  /** Service that waits, by band. */
  readonly #backlog: number[] = [0, 0, 0, 0]
  #peak = 0
  #isPumping = false
  #closed = false

  constructor({ config, members, clock, random }: InferenceQueueParts) {
    this.#config = config
    this.#clock = clock
    this.#random = random
    this.servers = members.map((member) => new ModelServer(member, config.inflight, clock))
    this.#widest = Math.max(...this.servers.map(({ capacity }) => capacity))
    const weights = new Map(Object.entries(config.weights))
    this.#bands = new Bands((tenant) => weights.get(tenant) ?? 1, config.queue.reserve / 100)
    this.#rate = new ServiceRate(clock)
  }

  get status(): LineStatus {
    let [inflight, tokens] = [0, 0]
    for (const server of this.servers) {
      inflight += server.inflight
      tokens += server.tokens
    }
    const rate = this.#rate.value
    return {
      waiting: this.#bands.size,
      waitingBy: ([0, 1, 2, 3] as const).map((band) => this.#bands.waitingOf(band).entries),
      inflight,
      tokens,
      peakTokens: this.#peak,
      rate: rate === undefined ? undefined : rate * 1000,
      backlog: this.#backlog.reduce((sum, part) => sum + part),
    }
  }

  models(): readonly ModelStatus[] {
    return []
  }

  /** Service a tenant has received in a band, divided by its weight: for tests and for people. */
  serviceOf(tenant: string, priority: Priority): number {
    return this.#bands.serviceOf(tenant, priority)
  }

  enter(asker: Asker, after?: Turn): void {
    const before = after instanceof ServerTurn ? after : undefined
    const waiter = before?.waiter ?? new Waiter(this, asker, this.#clock.now())
    const { tokens } = waiter
    if (this.#closed) return asker.refused({ is: 'closed', message: 'the gateway is closing' })
    if (tokens > this.#widest) return asker.refused(this.#never(tokens))
    this.#waiters.set(asker, waiter)
    // Of a second attempt it is the sleep before it.
    if (before !== undefined && before.pause > 0) {
      waiter.timer = this.#clock.after(before.pause, () => this.#stand(waiter, true))
      return
    }
    this.#stand(waiter, before !== undefined)
  }

  #stand(waiter: Waiter, again: boolean): void {
    const left = waiter.asker.expires - this.#clock.now()
    if (left <= 0) {
      this.#waiters.delete(waiter.asker)
      return waiter.asker.refused(this.#late(waiter))
    }
    this.#bands.push(waiter, again)
    waiter.stands = true
    this.#backlog[waiter.priority]! += waiter.service
    this.#rate.busy(true)
    this.pump()
    if (waiter.stands) waiter.timer = this.#clock.after(left, () => this.#expire(waiter))
  }

  leave(asker: Asker): void {
    const waiter = this.#waiters.get(asker)
    if (waiter === undefined) return
    this.#drop(waiter)
    this.pump()
  }

  expected(asker: Asker): Millis | undefined {
    if (this.#bands.size === 0) return 0
    const rate = this.#rate.value
    return rate === undefined ? undefined : this.#before(asker.tenant, asker.priority) / rate
  }

  evict(tenant: string, priority: Priority): boolean {
    const victim = this.#bands.victim(tenant, priority)
    if (victim === undefined) return false
    this.#drop(victim)
    victim.asker.refused(this.fullFor(victim.tenant, victim.priority, 'somebody else had to be let in'))
    return true
  }

  /** What one is told that finds no room. */
  fullFor(tenant: string, priority: Priority, why: string): LineRefusal {
    const is = this.isAboveShare(tenant) ? 'share' : 'full'
    return { is, message: why, delay: this.delayFor(tenant, priority) }
  }

  isAboveShare(tenant: string): boolean {
    let [own, all, tenants] = [0, 0, 0]
    for (const rank of [0, 1, 2, 3] as const) {
      const waiting = this.#bands.waitingOf(rank)
      all += waiting.entries
      tenants = Math.max(tenants, waiting.tenants)
      own += this.#bands.lengthOf(tenant, rank)
    }
    return tenants > 1 && own * tenants > all
  }

  /** When to come again, in ms: what comes before, divided by the measured rate, later by up to a quarter. */
  delayFor(tenant: string, priority: Priority): Millis {
    const rate = this.#rate.value
    const wait = rate === undefined ? 1000 : this.#before(tenant, priority) / rate
    return Math.min(60_000, Math.max(100, wait) * (1 + this.#random() / 4))
  }

  /** Service that would come before one of that tenant and band. */
  #before(tenant: string, priority: Priority): number {
    let sum = 0
    for (let rank = priority + 1; rank <= 3; rank++) sum += this.#backlog[rank]!
    const { entries, tenants } = this.#bands.waitingOf(priority)
    if (entries === 0) return sum
    // Each tenant is served about once for each request of one's own.
    const own = this.#bands.lengthOf(tenant, priority)
    return sum + this.#backlog[priority]! * Math.min(1, ((own + 1) * Math.max(1, tenants)) / entries)
  }

  /** Lets in whoever is next, as long as there is room. */
  pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    for (;;) {
      const waiter = this.#bands.next
      if (waiter === undefined) break
      const server = this.#choose(waiter)
      if (server === undefined) break
      this.#bands.take(waiter)
      this.#gone(waiter)
      const generation = server.begin(waiter.tokens, waiter.asker.size.stream, () => this.pump())
      this.#notePeak()
      waiter.asker.granted(new ServerTurn(this, waiter, generation, this.#clock.now() - waiter.since))
    }
    this.#rate.busy(this.#bands.size > 0)
    this.#isPumping = false
  }

  /** The one with the fewest tokens in progress of those that have room. */
  #choose({ tokens, tried }: Waiter): ModelServer | undefined {
    let best: ModelServer | undefined
    const isAnyFit = this.servers.some(({ member }) => member.isFit)
    for (const server of this.servers) {
      if ((isAnyFit && !server.member.isFit) || !server.hasRoom(tokens)) continue
      const isBetter =
        best === undefined || (tried === best && server !== tried) || (server !== tried && server.burden < best.burden)
      if (isBetter) best = server
    }
    return best
  }

  #notePeak(): void {
    let tokens = 0
    for (const server of this.servers) tokens += server.tokens
    if (tokens > this.#peak) this.#peak = tokens
  }

  #expire(waiter: Waiter): void {
    const refusal = this.#late(waiter)
    this.#drop(waiter)
    waiter.asker.refused(refusal)
  }

  #late({ tenant, priority }: Waiter): LineRefusal {
    const refusal = this.fullFor(tenant, priority, '')
    const message = 'it could not begin in time'
    return { ...refusal, is: refusal.is === 'share' ? 'share' : 'late', message }
  }

  #never(tokens: number): LineRefusal {
    return { is: 'never', message: `${tokens} tokens, expected answer included, never fit into ${this.#widest}` }
  }

  #drop(waiter: Waiter): void {
    if (waiter.stands) this.#bands.remove(waiter)
    this.#gone(waiter)
  }

  #gone(waiter: Waiter): void {
    waiter.timer?.cancel()
    waiter.timer = undefined
    if (waiter.stands) this.#backlog[waiter.priority]! -= waiter.service
    waiter.stands = false
    this.#waiters.delete(waiter.asker)
  }

  predict({ tenant, size }: Asker): number {
    return this.#prediction.predict(tenant, size.model, size.maxOutput ?? this.#config.maxOutput)
  }

  get config(): LlmConfig {
    return this.#config
  }

  grown(): void {
    this.#notePeak()
  }

  /** Only of what was served: what it took is learned. */
  ended(waiter: Waiter, generation: Generation, input: number, output: number, isWhole: boolean): void {
    const { service } = this.#config
    const real = service.input * input + service.output * output
    this.#rate.served(real)
    this.#bands.settle(waiter, real - waiter.service)
    if (isWhole) this.#prediction.learn(waiter.tenant, waiter.asker.size.model, output)
    generation.server.end(generation, isWhole)
    this.pump()
  }

  pauseAfter(attempt: number): Millis {
    return Math.min(LONGEST_BACKOFF, BACKOFF * 2 ** attempt) * (1 + this.#random() / 4)
  }

  close(): void {
    this.#closed = true
    for (const waiter of this.#waiters.values()) {
      this.#drop(waiter)
      waiter.asker.refused({ is: 'closed', message: 'the gateway is closing' })
    }
    for (const server of this.servers) server.close()
  }
}
