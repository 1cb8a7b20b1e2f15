import { meanOf, peakOf, type Asked, type Standstill, type Used } from './fleet-slots-rig.ts'

/** Something done to the fleet, and until when it lasted. */
export interface Fault {
  readonly what: string
  /** The worker it was done to; -1 for all. */
  readonly worker: number
  readonly from: number
  readonly to: number
}

/** What is known of a fleet from the outside: the logs its members wrote, and what was done to them. */
export interface History {
  readonly limit: number
  readonly lease: number
  readonly strict: boolean
  readonly maxWait: number
  readonly used: readonly Used[]
  readonly asked: readonly Asked[]
  readonly faults: readonly Fault[]
  readonly standstills: readonly Standstill[]
}

/** How long a process may go on with work whose lease has ended after it wakes, in ms. */
const AFTER_THAW = 100
/** Of a lease, how long a process may stand still before slots of it can be in other hands. */
const HARMLESS = 0.05
/** For how long one who waits may be unknown to the server, and one who was served on the way, in ms. */
const UNDERWAY = 250
/** How much later one message can be than another that was sent with it, in ms. */
const TOGETHER = 100
/** How late timers may be, in ms. */
const LATE = 500

/**
 * In use at once, at most; what frozen processes still held is left out from when they stopped until 100 ms after they
 * woke. Standing still because the machine was busy counts like being stopped: `excused` says whether that made a
 * difference.
 */
export function peakBeyondExcuse(history: History): { readonly peak: number; readonly excused: number } {
  const { lease, used, faults, standstills } = history
  const frozen = faults.filter(({ what }) => what === 'freeze')
  const stopped = without(used, frozen, lease)
  const excused = peakOf(stopped)
  return { peak: peakOf(without(stopped, standstills, lease)), excused }
}

/** `never over the limit` */
export function over(history: History): string[] {
  const { peak } = peakBeyondExcuse(history)
  return peak > history.limit ? [`${peak} in use at once, the limit is ${history.limit}`] : []
}

/** `every waiter ends`: let in, refused, or gone with its process, and not later than it was willing to wait. */
export function waitersWithoutEnd({ asked, maxWait, standstills, faults }: History): string[] {
  const frozen = [...standstills, ...faults.filter(({ what }) => what === 'freeze')]
  const held = (each: Asked): number =>
    frozen.reduce((sum, { worker, from, to }) => {
      const overlap = Math.min(to, each.answered) - Math.max(from, each.asked)
      return sum + (worker === each.worker && overlap > 0 ? overlap : 0)
    }, 0)
  return asked
    .filter((each) => each.fate === 'none' || each.answered - each.asked > maxWait + held(each) + LATE)
    .map(({ worker, asked: at, fate }) => `worker ${worker}: who asked at ${at.toFixed(0)} ended with ${fate}`)
}

/**
 * `fences only rise`: never lower in one process than before, never the same in two, and whatever a frozen process does on
 * top of the limit is exposed: as many as are too many have higher fences than all it holds.
 */
export function fencesThatFell(history: History): string[] {
  const { used } = history
  const found: string[] = []
  const last = new Map<number, number>()
  const owner = new Map<number, number>()
  for (const { worker, fence } of used.toSorted((a, b) => a.from - b.from)) {
    if (fence < (last.get(worker) ?? 0)) found.push(`worker ${worker}: fence ${fence} after ${last.get(worker)}`)
    last.set(worker, fence)
    if ((owner.get(fence) ?? worker) !== worker)
      found.push(`fence ${fence} of workers ${owner.get(fence)} and ${worker}`)
    owner.set(fence, worker)
  }
  return [...found, ...unexposed(history)]
}

function unexposed({ used, faults, standstills, limit, lease }: History): string[] {
  const still = [...faults.filter(({ what }) => what === 'freeze'), ...standstills]
  // What another one that is frozen does on top of the limit is exposed by what is newer than that, not than this.
  const rightful = without(used, still, lease)
  return still.flatMap(({ worker, from, to }) => {
    const held = used.filter((work) => work.worker === worker && work.from < from && work.to > from)
    const highest = Math.max(...held.map(({ fence }) => fence))
    const end = Math.min(to, ...held.map((work) => work.to))
    const others = rightful.filter((work) => work.worker !== worker && work.from <= end && work.to > end)
    const newer = others.filter(({ fence }) => fence > highest).length
    const excess = held.length === 0 ? 0 : held.length + others.length - limit
    return excess > newer ? [`worker ${worker} woke: ${excess} too many, ${newer} with a higher fence`] : []
  })
}

/** Whether a worker may have been cut off from the server, or served with what was sent long before. */
function disturbed({ faults, standstills, lease }: History, worker: number, from: number, to: number): boolean {
  const overlaps = (one: Standstill, after: number): boolean => one.from < to && one.to + after > from
  return (
    faults.some((one) => (one.worker === worker || one.worker === -1) && overlaps(one, lease + LATE)) ||
    standstills.some((one) => one.worker === worker && overlaps(one, UNDERWAY))
  )
}

/** `order never inverted`, where strict: nobody is let in while one who is to come before it is known to wait. */
export function inversions(history: History): string[] {
  const { asked, strict } = history
  if (!strict) return []
  const found: string[] = []
  for (const lucky of asked) {
    if (lucky.fate !== 'granted') continue
    const at = lucky.answered
    const passed = asked.find(
      (each) =>
        each.worker !== lucky.worker &&
        later(each, lucky) &&
        each.asked < at - UNDERWAY &&
        each.fate !== 'killed' &&
        (each.priority > lucky.priority || (each.priority === lucky.priority && each.asked < lucky.asked - UNDERWAY)),
    )
    if (passed === undefined || disturbed(history, passed.worker, at - 2 * UNDERWAY, at)) continue
    if (disturbed(history, lucky.worker, at - 2 * UNDERWAY, at)) continue
    found.push(
      `class ${lucky.priority} of worker ${lucky.worker} at ${at.toFixed(0)}, while class ${passed.priority} of worker ` +
        `${passed.worker} had waited for ${(at - passed.asked).toFixed(0)} ms`,
    )
  }
  return found
}

/** Decided upon later: a fence is the server's ms times 4096, and what is decided together arrives together. */
function later(one: Asked, other: Asked): boolean {
  if (one.answered <= other.answered) return false
  return one.answered > other.answered + TOGETHER || (one.fate === 'granted' && one.fence > other.fence + 4096)
}

/**
 * `used again`: how much of the limit is in use, in the best third of the time between two instants. One slot that is lost
 * shows in each of them; a machine that is busy for a moment does not.
 */
export function shareUsed({ used, limit }: Pick<History, 'used' | 'limit'>, from: number, to: number): number {
  const third = (to - from) / 3
  const thirds = [0, 1, 2].map((at) => meanOf(used, from + at * third, from + (at + 1) * third))
  return Math.max(...thirds) / limit
}

/** What was in use while its process could have known that its lease ran out. */
function without(used: readonly Used[], still: readonly Standstill[], lease: number): Used[] {
  return still
    .filter(({ from, to }) => to - from > HARMLESS * lease)
    .reduce<Used[]>(
      (left, { worker, from, to }) =>
        left.flatMap((work) => {
          const end = to + AFTER_THAW
          if (work.worker !== worker || work.from >= end || work.to <= from) return [work]
          const before = work.from < from ? [{ ...work, to: from }] : []
          const after = work.to > end ? [{ ...work, from: end }] : []
          return [...before, ...after]
        }),
      [...used],
    )
}
