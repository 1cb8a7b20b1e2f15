import { REFUSALS, type Instant, type Millis, type Priority, type RejectionCode } from '../ground/index.ts'
import type { Queue, QueueDiscipline, Waiter } from '../queue/index.ts'
import {
  choose,
  forAll,
  scripts,
  type Arbitrary,
  type LawOptions,
  type LawRunner,
  type PropertyTester,
} from './property.ts'

/** What every queue is held to. */
export const QUEUE_LAWS = {
  1: 'size is how many came in and have not left',
  2: 'no more wait than the capacity allows',
  3: 'everybody who came in leaves exactly once',
  4: 'remove is true for whoever is in, once, and false for everybody else',
  5: 'whoever is too late is given up with a refusal there is, and is never named as next',
  6: 'next names somebody whenever anybody waits, leaves it in, and names the same one when asked again',
  7: 'rejects is true exactly when a newcomer would come straight back',
  8: 'at the end of time everybody is given up',
  9: 'the same script gives the same order',
} as const

interface QueueStep {
  readonly does: 'push' | 'serve' | 'look' | 'remove' | 'tick'
  readonly who: number
  readonly cost: number
  readonly priority: Priority
  readonly flow: string | undefined
  readonly patience: Millis
  /** Pushes another as soon as it is given up on, as callers that try again do. */
  readonly persistent: boolean
  readonly duration: Millis
}

const DOES = ['push', 'push', 'serve', 'tick', 'push', 'look', 'remove', 'serve'] as const
const COSTS = [1, 1, 2, 5, 0.5] as const
const PRIORITIES = [2, 0, 1, 3] as const
const FLOWS = [undefined, 'a', 'b', 'c'] as const
const PATIENCES = [1000, 10, 3, 100, Infinity] as const
const DURATIONS = [1, 5, 0.5, 30, 300] as const

function queueScripts(fc: PropertyTester, options: LawOptions): Arbitrary<QueueStep[]> {
  return scripts(fc, options, 8, ([does, who, cost, priority, flow, patience, again, duration]) => ({
    does: choose(DOES, does),
    who: who ?? 0,
    cost: choose(COSTS, cost),
    priority: choose(PRIORITIES, priority),
    flow: choose(FLOWS, flow),
    patience: choose(PATIENCES, patience),
    persistent: (again ?? 0) % 5 === 4,
    duration: choose(DURATIONS, duration),
  }))
}

/**
 * Holds a queue discipline to the {@link QUEUE_LAWS}.
 *
 * ```ts
 * queueLaws('my queue', { describe, it }, fc, () => myQueue({ capacity: 4 }))
 * ```
 * @param make describes the discipline under test; a small capacity finds more
 */
export function queueLaws(
  name: string,
  runner: LawRunner,
  fc: PropertyTester,
  make: () => QueueDiscipline,
  options: LawOptions = {},
): void {
  const play = async (steps: readonly QueueStep[]): Promise<readonly string[]> => {
    const played = new QueuePlay(make())
    for (const step of steps) played.step(step)
    played.end()
    return played.transcript
  }

  runner.describe(`queue laws: ${name}`, () => {
    runner.it('laws 1 to 8 hold in whatever order things happen', () =>
      forAll(fc, options, queueScripts(fc, options), async (steps) => void (await play(steps))),
    )

    runner.it(`law 9: ${QUEUE_LAWS[9]}`, () =>
      forAll(fc, options, queueScripts(fc, options), async (steps) => {
        const [first, second] = [await play(steps), await play(steps)]
        const at = first.findIndex((line, index) => line !== second[index])
        if (at >= 0) throw new Error(`law 9 is broken: first ${first[at]}, then ${second[at]}`)
      }),
    )
  })
}

class LawWaiter implements Waiter {
  previous: Waiter | undefined
  next: Waiter | undefined
  place = -1
  inside = false
  leavings = 0
  readonly expiry: RejectionCode = 'queue_timeout'
  readonly id: number
  readonly cost: number
  readonly priority: Priority
  readonly flow: string | undefined
  readonly since: Instant
  readonly expires: Instant
  readonly step: QueueStep

  constructor(id: number, step: QueueStep, now: Instant) {
    this.id = id
    this.cost = step.cost
    this.priority = step.priority
    this.flow = step.flow
    this.since = now
    this.expires = now + step.patience
    this.step = step
  }
}

class QueuePlay {
  readonly transcript: string[] = []
  readonly #queue: Queue<LawWaiter>
  readonly #waiters: LawWaiter[] = []
  #now: Instant = 1000.25
  #ended = false

  constructor(discipline: QueueDiscipline) {
    if (!(discipline.maxWait >= 0 && discipline.name !== '')) this.#broken(1, 'a discipline without name or maxWait')
    this.#queue = discipline.open<LawWaiter>()
  }

  step(step: QueueStep): void {
    if (step.does === 'push') this.#push(step)
    else if (step.does === 'serve') this.#serve()
    else if (step.does === 'look') this.#look()
    else if (step.does === 'tick') this.#now += step.duration
    else this.#remove(this.#waiters[step.who % this.#waiters.length])
    this.#check()
  }

  end(): void {
    this.#ended = true
    const next = this.#queue.next(Infinity, this.#giveUp)
    if (next !== undefined || this.#queue.size !== 0) this.#broken(8, `${this.#queue.size} still wait`)
    this.#check()
    for (const waiter of this.#waiters)
      if (waiter.inside || this.#queue.remove(waiter)) this.#broken(3, `${waiter.id} is still in`)
  }

  #push(step: QueueStep): void {
    const rejects = this.#queue.rejects({ cost: step.cost, priority: step.priority, ...flowOf(step) })
    const waiter = new LawWaiter(this.#waiters.length, step, this.#now)
    this.#waiters.push(waiter)
    waiter.inside = true
    const loser = this.#queue.push(waiter, this.#now)
    this.#note(`${waiter.id} comes${loser === undefined ? '' : `, ${loser.id} must go`}`)
    if (loser !== undefined) this.#leaves(loser)
    if (rejects !== (loser === waiter)) this.#broken(7, `rejects said ${rejects}, ${loser?.id ?? 'nobody'} had to go`)
  }

  #look(): LawWaiter | undefined {
    const first = this.#queue.next(this.#now, this.#giveUp)
    this.#note(`${first?.id ?? 'nobody'} is next`)
    if (first === undefined) {
      if (this.#queue.size > 0) this.#broken(6, `nobody is next, and ${this.#queue.size} wait`)
      return undefined
    }
    if (!first.inside) this.#broken(6, `${first.id} is next and has left`)
    if (first.expires <= this.#now) this.#broken(5, `${first.id} is next and was too late at ${first.expires}`)
    if (this.#queue.next(this.#now, this.#giveUp) !== first) this.#broken(6, `asked again it is not ${first.id}`)
    return first
  }

  #serve(): void {
    const next = this.#look()
    if (next === undefined) return
    this.#queue.take(next, this.#now)
    this.#note(`${next.id} is served`)
    this.#leaves(next)
  }

  #remove(waiter: LawWaiter | undefined): void {
    if (waiter === undefined) return
    const { inside } = waiter
    const removed = this.#queue.remove(waiter)
    this.#note(`${waiter.id} gives up: ${removed}`)
    if (removed !== inside) this.#broken(4, `${waiter.id} was ${inside ? '' : 'not '}in`)
    if (removed) this.#leaves(waiter)
  }

  readonly #giveUp = (waiter: LawWaiter, code: RejectionCode): void => {
    this.#note(`${waiter.id} is given up: ${code}`)
    if (REFUSALS[code] === undefined) this.#broken(5, `there is no refusal ${code}`)
    this.#leaves(waiter)
    if (waiter.step.persistent && !this.#ended) this.#push({ ...waiter.step, patience: 10, persistent: false })
  }

  #leaves(waiter: LawWaiter): void {
    if (!waiter.inside || ++waiter.leavings !== 1) this.#broken(3, `${waiter.id} left again`)
    waiter.inside = false
  }

  #check(): void {
    const { size, capacity } = this.#queue
    const inside = this.#waiters.filter((waiter) => waiter.inside).length
    if (size !== inside) this.#broken(1, `size is ${size}, ${inside} are in`)
    if (size > capacity) this.#broken(2, `${size} wait, the capacity is ${capacity}`)
    const expected = this.#queue.expectedWait?.({}) ?? 0
    if (!(expected >= 0 && expected < Infinity)) this.#broken(1, `a newcomer is expected to wait ${expected} ms`)
  }

  #note(text: string): void {
    this.transcript.push(`${this.#now} ${text}`)
  }

  #broken(law: keyof typeof QUEUE_LAWS, what: string): never {
    throw new Error(`law ${law} is broken (${QUEUE_LAWS[law]})\n  ${what}\n  ${this.transcript.join('\n  ')}`)
  }
}

function flowOf({ flow }: QueueStep): { readonly flow?: string } {
  return flow === undefined ? {} : { flow }
}
