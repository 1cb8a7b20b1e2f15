// What the cases of the battery are made of: pieces of work that end when told, and questions about them with a bound.
import { setTimeout as sleep } from 'node:timers/promises'

/** How every gate of the battery is opened, unless a case says otherwise. */
export const SLOTS = 2
export const usual = { slots: SLOTS, waiting: 100 }

/** What a peer did wrong. The message is what the table says. */
export class Fault extends Error {}

export function demand(holds, why) {
  if (!holds) throw new Fault(why)
}

/** How a promise stands after at most `ms`: 'pending', 'fulfilled' or 'rejected'. */
export async function outcomeOf(promise, ms) {
  const abort = new AbortController()
  const late = sleep(ms, { state: 'pending' }, { signal: abort.signal }).catch(() => undefined)
  const settled = Promise.resolve(promise).then(
    (value) => ({ state: 'fulfilled', value }),
    (reason) => ({ state: 'rejected', reason }),
  )
  const first = await Promise.race([settled, late])
  abort.abort()
  return first
}

/** Waits for a condition, at most `ms`. */
export async function until(condition, ms, why) {
  const end = performance.now() + ms
  while (!condition()) {
    demand(performance.now() < end, why)
    await sleep(2)
  }
}

/** Pieces of work, and how many of them are really in progress whatever anybody believes. */
export class Works {
  atWork = 0
  most = 0

  /** A piece of work that goes on until it is told to end; `heeds` its signal or does not. */
  piece({ heeds = false, weight = 1 } = {}) {
    const piece = { started: false, signal: undefined, answer: undefined, end: undefined }
    const ended = new Promise((resolve, reject) => {
      piece.end = (value) => resolve(value)
      piece.fail = reject
    })
    piece.work = async (signal) => {
      piece.started = true
      piece.signal = signal
      this.atWork += weight
      this.most = Math.max(this.most, this.atWork)
      if (heeds) signal.addEventListener('abort', () => piece.fail(signal.reason), { once: true })
      try {
        return await ended
      } finally {
        this.atWork -= weight
      }
    }
    return piece
  }

  /** The same, handed in. What becomes of it is in `answer`. */
  start(gate, { heeds, weight, ...options } = {}) {
    const piece = this.piece({ heeds, weight })
    piece.answer = Promise.resolve(gate.run(piece.work, options))
    piece.answer.catch(() => {})
    return piece
  }
}

/** Starts work in every slot. */
export async function fill(gate, slots, works = new Works()) {
  const pieces = Array.from({ length: slots }, () => works.start(gate))
  await until(() => pieces.every((piece) => piece.started), 2000, `fewer than ${slots} could start`)
  return pieces
}

/** Demands that exactly so many can be at work at once: none was lost and none was made up. */
export async function whole(gate, slots) {
  const works = new Works()
  const pieces = Array.from({ length: slots + 3 }, () => works.start(gate))
  const begun = () => pieces.filter((piece) => piece.started).length
  await until(() => begun() >= slots, 1000, 'a slot is lost').catch(() => {
    throw new Fault(`slots lost: ${begun()} of ${slots} are left`)
  })
  await sleep(30)
  demand(begun() <= slots, `over-admits: ${begun()} at work with ${slots} slots`)
  for (const piece of pieces) piece.end()
  for (const piece of pieces)
    demand((await outcomeOf(piece.answer, 1000)).state !== 'pending', 'a later caller is never answered')
}

export { sleep }
