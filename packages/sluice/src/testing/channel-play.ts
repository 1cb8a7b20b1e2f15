import { isRejection, seeded, type Millis, type RejectedError } from '../ground/index.ts'
import { VirtualClock } from '../sim/index.ts'
import type { Channel, ChannelStats, Taken } from '../stream/index.ts'
import { CHANNEL_LAWS, type ChannelLawWorld } from './channel-law.ts'
import type { ChannelStep } from './channel-script.ts'

const THROWN = new Error('a listener of the channel laws throws')
const FAILURE = new Error('the source of the channel laws fails')
const ABORTED = new Error('the channel laws abort')

/** A producer that sends, or a consumer. */
interface Waiter {
  readonly id: number
  readonly item: number | undefined
  readonly leave: () => void
  /** Its own reason, once it has left. */
  readonly reason: Error
  /** How many listeners its signal has. */
  readonly listeners: () => number
  left: boolean
  answered: boolean
}

/** Plays one script on a fresh channel in virtual time and checks the laws after every step. */
export class ChannelPlay {
  readonly transcript: string[] = []
  readonly #clock = new VirtualClock(1000.25)
  readonly #channel: Channel<number>
  readonly #waiters: Waiter[] = []
  /** What became of each item. */
  readonly #fates: string[] = []
  #items = 0
  #lastTaken = -1
  #lastServed = -1
  #paused = false
  #mood: ChannelStep['mood'] = 'calm'
  #over: 'no' | 'closed' | 'failed' | 'aborted' = 'no'
  #broken: Error | undefined

  constructor(make: (world: ChannelLawWorld) => Channel<number>, seed: number) {
    this.#channel = make({
      clock: this.#clock,
      random: seeded(seed),
      onDrop: (item, reason) => {
        this.#fate(item, reason)
        this.#actUp()
      },
      onPause: () => this.#turn(true),
      onResume: () => this.#turn(false),
    })
  }

  async step(step: ChannelStep): Promise<void> {
    this.#mood = step.mood
    if (step.does === 'push') this.#push()
    else if (step.does === 'send') this.#send(step.timeout)
    else if (step.does === 'take') this.#take()
    else if (step.does === 'try') this.#tryTake()
    else if (step.does === 'iterate') this.#iterate()
    else if (step.does === 'leave') this.#leave(step.who)
    else if (step.does === 'tick') this.#pass(step.duration)
    else this.#finish(step.does)
    await this.#settle()
    this.#check()
  }

  async end(): Promise<void> {
    this.#mood = 'calm'
    this.#finish('close')
    for (let left = this.#channel.size + this.#channel.stats.senders; left > 0; left--) this.#tryTake()
    this.#pass(1e6)
    await this.#settle()
    this.#check()
    const { size, senders, takers } = this.#channel.stats
    if (size + senders + takers > 0) this.#breach(7, `${size} inside, ${senders} senders and ${takers} takers wait`)
    for (const { id, answered, listeners } of this.#waiters) {
      if (!answered) this.#breach(7, `${id} still waits`)
      if (listeners() !== 0) this.#breach(8, `the signal of ${id} has a listener`)
    }
    if (this.#channel.push(this.#handIn()) !== 'reject') this.#breach(7, 'took an item after its end')
    if (this.#paused) this.#breach(4, 'empty, and nobody was told to resume')
    if (this.#clock.pending > 0) this.#breach(8, `${this.#clock.pending} timers are left`)
    if (this.#broken !== undefined) throw this.#broken
  }

  #handIn(): number {
    this.#fates.push('in')
    return this.#items++
  }

  #push(): void {
    const item = this.#handIn()
    const answer = this.#channel.push(item)
    this.#note(`push ${item}: ${answer}`)
    if ((answer === 'reject') !== ['full', 'closed'].includes(this.#fates[item]!))
      this.#breach(1, `${item} was answered ${answer} and is ${this.#fates[item]}`)
    if (answer !== 'reject' && (answer === 'pause') !== this.#paused)
      this.#breach(4, `answered ${answer} while ${this.#paused ? '' : 'not '}paused`)
  }

  #waiter(item?: number): { readonly waiter: Waiter; readonly signal: AbortSignal } {
    const leaving = new AbortController()
    const { signal } = leaving
    let listeners = 0
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
    signal.addEventListener = (...args: Parameters<typeof add>): void => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
      listeners--
      remove(...args)
    }
    const id = this.#waiters.length
    const reason = new Error(`${id} leaves`)
    const waiter: Waiter = {
      id,
      item,
      reason,
      leave: () => leaving.abort(reason),
      listeners: () => listeners,
      left: false,
      answered: false,
    }
    this.#waiters.push(waiter)
    return { waiter, signal }
  }

  #send(timeout: Millis | undefined): void {
    const item = this.#handIn()
    const { waiter, signal } = this.#waiter(item)
    this.#channel.send(item, { signal, ...(timeout === undefined ? {} : { timeout }) }).then(
      (answer) => this.#answer(waiter, `${item} is in: ${answer}`),
      (error: unknown) => {
        this.#answer(waiter, `${item} is not in: ${String(error)}`)
        const fate = this.#fates[item]!
        if (!['full', 'timeout', 'cancelled', 'closed'].includes(fate)) this.#breach(1, `${item} threw and is ${fate}`)
        if (waiter.left && fate === 'cancelled' ? error !== waiter.reason : !isRefusal(error))
          if (error !== ABORTED && error !== FAILURE) this.#breach(6, `${item} got ${String(error)}`)
      },
    )
  }

  #take(): void {
    const { waiter, signal } = this.#waiter()
    this.#taking(waiter, this.#channel.take({ signal }))
  }

  /** A loop that asks once and is left with `break` when its waiter leaves. */
  #iterate(): void {
    const { waiter } = this.#waiter()
    const iterator = this.#channel[Symbol.asyncIterator]()
    this.#waiters[waiter.id] = { ...waiter, leave: () => void iterator.return!() }
    this.#taking(this.#waiters[waiter.id]!, iterator.next())
  }

  #taking(waiter: Waiter, taking: Promise<Taken<number>>): void {
    taking.then(
      (taken) => {
        this.#answer(waiter, taken.done === true ? 'done' : `takes ${taken.value}`)
        if (taken.done === true && this.#over === 'no' && !waiter.left)
          this.#breach(7, `${waiter.id} is done too early`)
        if (taken.done === true) return
        if (waiter.id < this.#lastServed) this.#breach(2, `${waiter.id} asked before ${this.#lastServed}`)
        this.#lastServed = waiter.id
        this.#took(taken.value)
      },
      (error: unknown) => {
        this.#answer(waiter, String(error))
        if (error !== (waiter.left ? waiter.reason : error) && this.#over === 'no') this.#breach(6, String(error))
        if (!waiter.left && error !== ABORTED && error !== FAILURE) this.#breach(7, `${waiter.id}: ${String(error)}`)
      },
    )
  }

  /** @param ordered false within a listener, which may be told in the middle of another take */
  #tryTake(ordered: boolean = true): void {
    try {
      const taken = this.#channel.tryTake()
      this.#note(`try: ${taken === undefined ? 'nothing' : String(taken.value)}`)
      if (taken === undefined || taken.done === true) return
      if (ordered) this.#took(taken.value)
      else this.#fate(taken.value, 'taken')
    } catch (error) {
      if (error !== ABORTED && error !== FAILURE) throw error
    }
  }

  #took(item: number): void {
    if (item <= this.#lastTaken) this.#breach(2, `${item} after ${this.#lastTaken}`)
    this.#lastTaken = item
    this.#fate(item, 'taken')
  }

  #leave(who: number): void {
    const waiting = this.#waiters.filter((waiter) => !waiter.answered)
    const waiter = waiting[who % waiting.length]
    if (waiter === undefined) return
    waiter.left = true
    this.#note(`${waiter.id} leaves`)
    waiter.leave()
  }

  #finish(how: 'close' | 'fail' | 'abort'): void {
    this.#note(how)
    const empty = this.#channel.closed && this.#channel.size === 0
    if (how === 'abort' && !empty) this.#over = 'aborted'
    else if (this.#over === 'no') this.#over = how === 'fail' ? 'failed' : 'closed'
    if (how === 'close') this.#channel.close()
    else if (how === 'fail') this.#channel.fail(FAILURE)
    else this.#channel.abort(ABORTED)
    if (how === 'abort' && this.#channel.size > 0) this.#breach(7, 'holds items after abort')
  }

  #pass(duration: Millis): void {
    const end = this.#clock.now() + duration
    for (;;) {
      try {
        return this.#clock.advanceTo(end)
      } catch (error) {
        if (error !== THROWN) throw error
      }
    }
  }

  #answer(waiter: Waiter, what: string): void {
    this.#note(`${waiter.id}: ${what}`)
    if (waiter.answered) this.#breach(1, `${waiter.id} was answered twice`)
    waiter.answered = true
    // A listener that was told of the abort is gone: it was there for once.
    if (waiter.listeners() > (waiter.left ? 1 : 0)) this.#breach(8, `the signal of ${waiter.id} has a listener`)
  }

  #turn(paused: boolean): void {
    this.#note(paused ? 'pause' : 'resume')
    if (this.#paused === paused) this.#breach(4, `${paused ? 'pause' : 'resume'} twice`)
    this.#paused = paused
    this.#actUp()
  }

  #actUp(): void {
    const mood = this.#mood
    this.#mood = 'calm'
    this.#sum()
    if (mood === 'throws') throw THROWN
    if (mood === 'pushes') this.#push()
    if (mood === 'takes') this.#tryTake(false)
    if (mood === 'closes') this.#finish('close')
  }

  #fate(item: number, fate: string): void {
    this.#note(`${item} is ${fate}`)
    if (this.#fates[item] !== 'in') this.#breach(1, `${item} was ${this.#fates[item]} and is now ${fate}`)
    this.#fates[item] = fate
  }

  async #settle(): Promise<void> {
    for (let turn = 0; turn < 12; turn++) await Promise.resolve()
  }

  #sum(): ChannelStats {
    const { stats } = this.#channel
    const { pushed, taken, size, senders, takers, dropped, rejected } = stats
    const lost = [...Object.values(dropped), ...Object.values(rejected)].reduce((sum, count) => sum + count, 0)
    if (pushed !== taken + size + senders + lost) this.#breach(1, JSON.stringify(stats))
    if (size > this.#channel.capacity || size !== this.#channel.size) this.#breach(3, JSON.stringify(stats))
    if ((takers > 0 && size > 0) || (senders > 0 && size < this.#channel.capacity))
      this.#breach(5, JSON.stringify(stats))
    return stats
  }

  #check(): void {
    const { pushed, taken, size, senders, dropped, rejected } = this.#sum()
    if (pushed !== this.#items) this.#breach(1, `${this.#items} were handed in, ${pushed} are counted`)
    const told = (fate: string): number => this.#fates.filter((is) => is === fate).length
    for (const [fate, count] of Object.entries({ taken, in: size + senders, ...dropped, ...rejected }))
      if (told(fate) !== count) this.#breach(1, `${told(fate)} are ${fate}, ${count} are counted`)
    if (this.#broken !== undefined) throw this.#broken
  }

  #note(text: string): void {
    this.transcript.push(`${this.#clock.now()} ${text}`)
  }

  /** Kept until somebody looks: it may be found in a callback whose errors are caught. */
  #breach(law: keyof typeof CHANNEL_LAWS, what: string): void {
    const led = this.transcript.join('\n  ')
    this.#broken ??= new Error(`law ${law} is broken (${CHANNEL_LAWS[law]})\n  ${what}\n  ${led}`)
  }
}

/** Whichever copy of the package has made it. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && isRejection((error as Partial<RejectedError>).rejection)
}
