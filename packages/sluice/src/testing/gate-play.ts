import { isRejection, RejectedError, seeded, type Arrival, type Outcome } from '../ground/index.ts'
import type { Gate, GateCore, Verdict } from '../gate/index.ts'
import { VirtualClock } from '../sim/index.ts'
import { Guest } from './gate-guest.ts'
import { GATE_LAWS, leavesOf, type AsyncContext, type GateTraits, type LawWorld } from './gate-law.ts'
import { arrivalOf, type GateScript, type GateStep, type Mood } from './gate-script.ts'

/** What an answer in a bad mood throws: the script's doing, not the gate's. */
const THROWN = new Error('an answer of the gate laws throws')
/** Sums of costs may be this far off. */
const ROUNDING = 1e-6

/** Plays one script on a fresh gate in virtual time and checks the laws after every step. */
export class GatePlay {
  readonly clock: VirtualClock = new VirtualClock(1000.25)
  readonly gate: Gate
  /** What happened, one line each. */
  readonly transcript: string[] = []
  readonly #context: AsyncContext | undefined
  readonly #fifo: boolean
  /** What was in flight in each part when last looked at. */
  readonly #before = new Map<GateCore, number>()
  readonly #guests: Guest[] = []
  #closed: 'no' | 'closing' | 'yes' = 'no'
  #broken: Error | undefined

  constructor(make: (world: LawWorld) => Gate, seed: number, { context, fifo = false }: GateTraits) {
    this.gate = make({ clock: this.clock, random: seeded(seed) })
    this.#context = context
    this.#fifo = fifo
  }

  /** @throws Error naming the law that was broken and what led to it */
  async play(script: GateScript): Promise<void> {
    for (const step of script.steps) {
      this.#step(step, script.weighted)
      await this.#check(script.weighted)
    }
    await this.#end(script)
  }

  #step(step: GateStep, weighted: boolean): void {
    const { outcome } = step
    const arrival = arrivalOf(step, weighted, this.clock.now())
    if (step.does === 'enter') this.#enter(arrival, step.mood)
    else if (step.does === 'try') this.#try(arrival, step.mood)
    else if (step.does === 'acquire') this.#acquire(arrival, step.mood === 'throws' ? 'calm' : step.mood)
    else if (step.does === 'tick') this.#tick(step.duration)
    else if (step.does === 'close') this.#close()
    else if (step.does === 'cancel') this.#cancel(this.#pick(step.who, 'waiting', 'in', 'ended', 'refused'))
    else if (step.does === 'release again') this.#releaseAgain(this.#pick(step.who, 'ended'), outcome)
    else this.#release(this.#pick(step.who, 'in'), step.does === 'dispose' ? undefined : outcome)
  }

  #pick(who: number, ...states: readonly Guest['state'][]): Guest | undefined {
    const found = this.#guests.filter((guest) => states.includes(guest.state))
    return found[who % found.length]
  }

  #welcome(arrival: Arrival, mood: Mood, byPromise: boolean): Guest {
    const guest = new Guest(this.#guests.length, arrival, mood, byPromise, this.clock.now())
    this.#guests.push(guest)
    this.#note(guest, `asks ${JSON.stringify(arrival)}${mood === 'calm' ? '' : `, its answer ${mood}`}`)
    return guest
  }

  #ask<T>(guest: Guest, ask: () => T): T | undefined {
    try {
      return this.#context === undefined ? ask() : this.#context.run(guest.id, ask)
    } catch (error) {
      if (error instanceof RangeError && guest.answers === 0) {
        // More than this gate can ever give: taken back as if it had never come.
        this.#note(guest, error.message)
        guest.leave()
      } else if (error !== THROWN) throw error
      return undefined
    }
  }

  #try(arrival: Arrival, mood: Mood): void {
    const guest = this.#welcome(arrival, mood === 'throws' ? 'calm' : mood, false)
    const verdict = this.#ask(guest, () => this.gate.tryEnter(arrival))
    if (verdict !== undefined) {
      if (typeof (verdict as Partial<Verdict>).admitted !== 'boolean') this.#breach(2, guest, 'tryEnter did not decide')
      else this.#answered(guest, verdict)
    }
  }

  #enter(arrival: Arrival, mood: Mood): void {
    const guest = this.#welcome(arrival, mood, false)
    const waiting = this.#ask(guest, () => this.gate.enter(arrival, (verdict) => this.#answered(guest, verdict)))
    if (guest.answers === 0 && waiting === undefined) this.#breach(1, guest, 'neither answered nor waiting')
    if (guest.answers > 0 && waiting !== undefined) this.#breach(1, guest, 'answered, and told to wait')
    if (guest.answers === 0 && arrival.maxWait === 0) this.#breach(2, guest, 'not answered yet')
    if (guest.answers > 0) return
    guest.state = 'waiting'
    guest.stop = (): void => waiting?.cancel()
  }

  #acquire(arrival: Arrival, mood: Mood): void {
    const guest = this.#welcome(arrival, mood, true)
    const leaving = new AbortController()
    const reason = new Error(`guest ${guest.id} leaves`)
    const refused = (error: unknown): void => {
      if (error instanceof RejectedError && error.code === 'cancelled')
        this.#breach(5, guest, 'rejected with something else than the reason of its signal')
      else if (error instanceof RejectedError) this.#answered(guest, error.rejection)
      else if (error === reason || error instanceof RangeError) guest.leave()
      else this.#breach(1, guest, String(error))
    }
    void this.#ask(guest, () =>
      this.gate
        .acquire({ ...arrival, signal: leaving.signal })
        .then((permit) => this.#answered(guest, permit), refused)
        .catch((error: unknown) => this.#breach(11, guest, String(error))),
    )
    guest.state = 'waiting'
    guest.stop = (): void => leaving.abort(reason)
  }

  #answered(guest: Guest, verdict: Verdict): void {
    const now = this.clock.now()
    if (++guest.answers > 1) return this.#breach(1, guest, 'answered again')
    const later = guest.state === 'waiting'
    if (later && this.#context !== undefined && this.#context.getStore() !== guest.id)
      this.#breach(8, guest, `answered in the context of ${String(this.#context.getStore())}`)
    if (verdict.admitted) {
      guest.state = 'in'
      guest.permit = verdict
      this.#note(guest, `let in after ${verdict.waited}`)
      if (this.#closed !== 'no' && !guest.byPromise) this.#breach(12, guest, 'let in')
      const passed = this.#fifo ? this.#guests.find((one) => one.state === 'waiting' && one.id < guest.id) : undefined
      if (passed !== undefined && !passed.byPromise && !guest.byPromise) this.#breach(13, guest, `passed ${passed.id}`)
      const elapsed = now - guest.asked
      if (!(verdict.waited >= 0 && verdict.waited <= elapsed)) this.#breach(10, guest, `waited ${verdict.waited}`)
      if (guest.asked + verdict.waited >= guest.until && verdict.waited > 0) this.#breach(10, guest, 'let in too late')
    } else {
      guest.state = 'refused'
      this.#note(guest, `refused with ${isRejection(verdict) ? verdict.code : String(verdict)}`)
      // A gate further in may foresee that a deadline will be missed.
      const hasty = verdict.code === 'deadline' && now < guest.until && this.gate.core.parts === undefined
      if (later && !guest.byPromise && (now > guest.latest || hasty)) this.#breach(10, guest, `refused at ${now}`)
      if (verdict.code === 'closed' && this.#closed === 'no') this.#breach(12, guest, 'refused by an open gate')
      if (this.#closed === 'yes' && !later && verdict.code !== 'closed')
        this.#breach(12, guest, `refused with ${verdict.code}`)
    }
    this.#observe()
    this.#act(guest)
  }

  #act(guest: Guest): void {
    const other = (...states: readonly Guest['state'][]): Guest | undefined =>
      this.#guests.find((one) => one !== guest && !one.byPromise && states.includes(one.state))
    if (guest.mood === 'throws') throw THROWN
    if (guest.mood === 'releases' && guest.state === 'in') this.#release(guest, 'success')
    if (guest.mood === 'frees') this.#release(other('in'), 'success')
    if (guest.mood === 'cancels') this.#cancel(other('waiting'))
    if (guest.mood === 'tries') this.#try({}, 'calm')
    if (guest.mood === 'asks') for (let count = 0; count < 2; count++) this.#enter({ maxWait: 10 }, 'calm')
  }

  #release(guest: Guest | undefined, outcome: Outcome | undefined): void {
    if (guest?.permit === undefined) return
    guest.state = 'ended'
    this.#note(guest, outcome === undefined ? 'disposed' : `ended: ${outcome}`)
    try {
      if (outcome === undefined) guest.permit[Symbol.dispose]()
      else guest.permit.release(outcome)
    } catch (error) {
      this.#breach(4, guest, String(error))
    }
  }

  #releaseAgain(guest: Guest | undefined, outcome: Outcome): void {
    if (guest === undefined) return
    const before = this.#state()
    this.#release(guest, outcome)
    this.#release(guest, undefined)
    if (this.#state() !== before) this.#breach(4, guest, `${before} became ${this.#state()}`)
  }

  #cancel(guest: Guest | undefined): void {
    if (guest?.stop === undefined) return
    const before = this.#state()
    const waited = guest.state === 'waiting'
    this.#note(guest, 'cancels')
    guest.leaving = waited
    guest.stop()
    if (!waited && this.#state() !== before) this.#breach(5, guest, `${before} became ${this.#state()}`)
    if (!waited || guest.byPromise) return
    const said = this.transcript.findLast((line) => line.includes(` guest ${guest.id} refused`))
    if ((guest.state as string) !== 'refused') this.#breach(5, guest, 'cancel() returned before the answer')
    else if (said?.endsWith('refused with cancelled') !== true) this.#breach(5, guest, `${said}`)
  }

  #close(): void {
    const waiting = this.#guests.filter((guest) => guest.state === 'waiting' && !guest.byPromise)
    if (this.#closed === 'no') this.#closed = 'closing'
    this.transcript.push(`${this.clock.now()} close`)
    this.gate.close()
    this.#closed = 'yes'
    for (const guest of waiting) if (guest.state === 'waiting') this.#breach(12, guest, 'left waiting')
  }

  #tick(duration: number): void {
    const end = this.clock.now() + duration
    this.transcript.push(`${end} tick`)
    for (;;) {
      try {
        return this.clock.advanceTo(end)
      } catch (error) {
        // What an answer threw surfaces here, if it does.
        if (error !== THROWN) this.#breach(11, undefined, String(error))
      }
    }
  }

  /** Looks at every part, at moments when anything may be going on. */
  #observe(): void {
    for (const part of leavesOf(this.gate.core)) {
      const { limit, inflight, queued } = part.stats
      const told = `${part.name}: limit ${limit}, in flight ${inflight}, queued ${queued}`
      if (!(inflight >= 0 && queued >= 0 && limit >= 0)) this.#breach(3, undefined, told)
      // A limit may fall below what is in flight, but then nobody may come in.
      if (inflight > limit + ROUNDING && inflight > (this.#before.get(part) ?? 0) + ROUNDING)
        this.#breach(3, undefined, told)
      this.#before.set(part, inflight)
    }
  }

  async #check(weighted: boolean): Promise<void> {
    await this.#promises()
    this.#tick(0)
    await this.#promises()
    this.#observe()
    const { stats, core } = this.gate
    const waiting = this.#guests.filter((guest) => guest.state === 'waiting')
    const leaves = leavesOf(core)
    const queued = leaves.reduce((sum, part) => sum + part.stats.queued, 0)
    if (queued !== waiting.length || stats.queued !== waiting.length)
      this.#breach(6, undefined, `${waiting.length} wait, queued is ${stats.queued}, in all parts ${queued}`)
    const held = this.#guests.filter((guest) => guest.state === 'in').length
    if (!weighted && core.parts === undefined && stats.limit < Infinity && Math.abs(stats.inflight - held) > ROUNDING)
      this.#breach(3, undefined, `${held} are in, in flight is ${stats.inflight}`)
    if (queued === 0 && this.clock.pending > 0) this.#breach(7, undefined, `${this.clock.pending} timers for nobody`)
    for (const guest of waiting)
      if (guest.leaving) this.#breach(5, guest, 'still waiting')
      else if (this.clock.now() > guest.latest) this.#breach(10, guest, `still waiting at ${this.clock.now()}`)
    const widest = Math.max(0, ...waiting.map((guest) => guest.arrival.cost ?? 1))
    for (const part of leaves) {
      const { limit, inflight, queued: here } = part.stats
      if (here > 0 && limit < Infinity && inflight + Math.min(widest, limit) <= limit)
        this.#breach(13, undefined, `${part.name}: limit ${limit}, in flight ${inflight}, queued ${here}`)
    }
    if (this.#broken !== undefined) throw this.#broken
  }

  async #promises(): Promise<void> {
    if (!this.#guests.some((guest) => guest.byPromise && guest.state === 'waiting')) return
    for (let turn = 0; turn < 8; turn++) await Promise.resolve()
  }

  async #end({ ending, weighted }: GateScript): Promise<void> {
    this.transcript.push(`${this.clock.now()} end: ${ending}`)
    if (ending === 'close') this.#close()
    // Answers may let in more, who must be dealt with too: some rounds, until nobody is left.
    for (let round = 0; round <= this.#guests.length; round++) {
      if (ending === 'cancel') for (const guest of this.#guests) if (guest.state === 'waiting') this.#cancel(guest)
      for (const guest of this.#guests) if (guest.state === 'in') this.#release(guest, 'success')
      if (ending === 'serve' && this.gate.stats.limit === Infinity) this.#tick(1000)
      await this.#check(weighted)
      if (this.#guests.every((guest) => guest.state === 'ended' || guest.state === 'refused')) break
    }
    for (const guest of this.#guests) if (guest.answers !== 1) this.#breach(1, guest, `${guest.answers} answers`)
    for (const core of leavesOf(this.gate.core))
      if (core.stats.inflight !== 0 || core.stats.queued !== 0)
        this.#breach(6, undefined, `${core.name} still holds ${JSON.stringify(core.stats)}`)
    if (this.#broken !== undefined) throw this.#broken
  }

  #state(): string {
    const answers = this.#guests.reduce((sum, guest) => sum + guest.answers, 0)
    return JSON.stringify([answers, ...leavesOf(this.gate.core).map((part) => part.stats)])
  }

  #note(guest: Guest, text: string): void {
    this.transcript.push(`${this.clock.now()} guest ${guest.id} ${text}`)
  }

  /** Kept until the step is over: thrown inside an answer it would only test how the gate deals with throwing. */
  #breach(law: keyof typeof GATE_LAWS, guest: Guest | undefined, what: string): void {
    const who = guest === undefined ? '' : `guest ${guest.id}: `
    this.#broken ??= new Error(
      `law ${law} is broken (${GATE_LAWS[law]})\n  ${who}${what}\n  ${this.transcript.slice(-30).join('\n  ')}`,
    )
  }
}
