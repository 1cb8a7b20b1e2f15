// What stands behind the contenders: four plants, each with a knee that can be named.
import { setTimeout as sleep } from 'node:timers/promises'

/** 20 slots and an unbounded queue behind them, in the order of arrival: it never says no, it only gets slower. */
export class Pool {
  #free
  #service
  #waiting = []

  constructor(slots, service) {
    this.#free = slots
    this.#service = service
  }

  /** From now on every piece of work takes twice as long. */
  halve() {
    this.#service *= 2
  }

  /** From now on so many more slots, or fewer: what is in one ends in it. */
  shift(slots) {
    this.#free += slots
    while (this.#free > 0 && this.#waiting.length > 0) {
      this.#free--
      this.#waiting.shift()()
    }
  }

  async work() {
    if (this.#free > 0) this.#free--
    else await new Promise((resolve) => this.#waiting.push(resolve))
    await sleep(this.#service)
    this.shift(1)
  }
}

/** Computes for so many ms of wall-clock time. */
function compute(duration) {
  for (const end = performance.now() + duration; performance.now() < end;) {
    // Nobody else gets a word in: that is the point.
  }
}

const SLOTS = 20
const SERVICE = 50
const COMPUTING = 5
const WAITING = 20

/**
 * `work`: one request's worth of it. `slots`, `queue`: what somebody who knows the plant would size a bulkhead to, with
 * at most 250 ms in its queue. `capacity`: a second, where it follows from the plant; else it is measured.
 */
export const plants = {
  a: {
    means: `${SLOTS} slots × ${SERVICE} ms, unbounded queue behind`,
    capacity: (SLOTS / SERVICE) * 1000,
    slots: SLOTS,
    queue: 100,
    open: () => new Pool(SLOTS, SERVICE),
  },
  b: {
    means: `the same, its capacity halved in mid-run`,
    capacity: (SLOTS / SERVICE) * 1000,
    halves: true,
    slots: SLOTS,
    queue: 100,
    open: () => new Pool(SLOTS, SERVICE),
  },
  c: {
    means: `${COMPUTING} ms of computing`,
    nominal: 1000 / COMPUTING,
    slots: 1,
    queue: 20,
    open: () => ({ work: () => compute(COMPUTING) }),
  },
  d: {
    means: `${WAITING} ms of waiting, then ${COMPUTING} ms of computing`,
    nominal: 1000 / COMPUTING,
    slots: (WAITING + COMPUTING) / COMPUTING,
    queue: 20,
    open: () => ({
      async work() {
        await sleep(WAITING)
        compute(COMPUTING)
      },
    }),
  },
}
