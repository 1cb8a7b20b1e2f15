// The control arms of the battery: what one writes in an afternoon, with the classic faults left in on purpose. Not for
// use. Each case of the battery must be failed by one of the two, or it would prove nothing about anybody else.

/**
 * A counter and an array of callbacks. Its faults:
 * - the slot comes back only when the work ends well, and in time: whatever throws or rejects keeps it;
 * - the time limit is looked at when the work has ended, and patience never;
 * - whoever leaves is only marked, by a listener that stays. Its place is not free before its turn comes, and its turn
 *   is then lost on it; the work is never told; who had left before it came is not noticed;
 * - the count of those who wait goes up and never down;
 * - one free slot is enough for a wide one;
 * - a slot can be given back twice;
 * - the next one is started from within the end of the last one, in its async context and on its stack;
 * - closing forgets those who wait.
 */
class Callbacks {
  #free
  #mayWait
  #timeout
  #came = 0
  #closed = false
  #waiting = []

  constructor({ slots, waiting, timeout = Infinity }) {
    this.#free = slots
    this.#mayWait = waiting
    this.#timeout = timeout
  }

  run(work, { signal, cost = 1 } = {}) {
    return new Promise((resolve, reject) => {
      let left = false
      signal?.addEventListener('abort', () => (left = true))
      this.#whenFree(() => {
        if (left) return reject(signal.reason)
        this.#free -= cost
        const began = performance.now()
        const end = (value) => {
          if (performance.now() - began > this.#timeout) return reject(new Error('too late'))
          this.#giveBack(cost)
          resolve(value)
        }
        const result = work(new AbortController().signal)
        if (result instanceof Promise) result.then(end, reject)
        else end(result)
      }, reject)
    })
  }

  acquire() {
    return new Promise((resolve, reject) =>
      this.#whenFree(() => {
        this.#free -= 1
        resolve(() => this.#giveBack(1))
      }, reject),
    )
  }

  close() {
    this.#closed = true
    this.#waiting = []
  }

  #whenFree(start, refuse) {
    if (this.#closed) refuse(new Error('closed'))
    else if (this.#free > 0) start()
    else if (this.#came++ < this.#mayWait) this.#waiting.push(start)
    else refuse(new Error('full'))
  }

  #giveBack(cost) {
    this.#free += cost
    if (this.#free > 0) this.#waiting.shift()?.()
  }
}

/**
 * Batches of as many as there are slots, each piece of work in a race with its time limit. Its faults:
 * - a batch begins when the last of the one before has ended: work that asks for more waits for itself;
 * - the race answers the caller and the work goes on, uncounted;
 * - who lost the race is told by a signal that all share, and the timer of who won goes on;
 * - an answer that counts as false is taken for no answer;
 * - work that is not async, or is a thenable, is asked for what only a promise has;
 * - nothing bounds those who wait.
 */
class Batches {
  #slots
  #timeout
  #busy = false
  #waiting = []
  #abort = new AbortController()

  constructor({ slots, timeout }) {
    this.#slots = slots
    this.#timeout = timeout
  }

  run(work, { signal } = {}) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work, signal, resolve, reject })
      void this.#workOff()
    })
  }

  async #workOff() {
    if (this.#busy) return
    this.#busy = true
    // Those who come together are in one batch.
    await Promise.resolve()
    while (this.#waiting.length > 0)
      await Promise.allSettled(this.#waiting.splice(0, this.#slots).map((job) => this.#race(job)))
    this.#busy = false
  }

  async #race({ work, signal, resolve, reject }) {
    const ended = work(this.#abort.signal).catch(reject)
    const late = new Promise((lose) => {
      const tell = () => {
        this.#abort.abort()
        lose()
      }
      if (this.#timeout !== undefined) setTimeout(tell, this.#timeout)
    })
    const left = new Promise((lose) => {
      const leave = () => {
        reject(signal.reason)
        lose()
      }
      signal?.addEventListener('abort', leave)
    })
    const answer = await Promise.race([ended, late, left])
    if (answer) resolve(answer)
    else reject(new Error('too late'))
  }
}

export default [
  {
    name: 'naive callbacks',
    can: ['queue', 'bound', 'signal', 'work signal', 'timeout', 'maxWait', 'cost', 'acquire', 'close', 'plain work'],
    open: (options) => new Callbacks(options),
  },
  {
    name: 'naive batches',
    can: ['queue', 'signal', 'work signal', 'timeout', 'plain work'],
    open: (options) => new Batches(options),
  },
]
