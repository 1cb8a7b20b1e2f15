// A seeded run in virtual time: the gates are those that ship, the load and the service behind them are made here.
import { seeded } from 'sluice'
import { VirtualClock } from 'sluice/sim'

/** A clock, a source of chance, and open-loop load: what is due arrives, whatever became of those before. */
export class Stage {
  // Not 0: code that takes the origin for a special instant would show.
  clock = new VirtualClock(1000)
  random
  #origin = 1000

  constructor(seed = 1) {
    this.random = seeded(seed)
  }

  /** Seconds since the beginning. */
  get time() {
    return (this.clock.now() - this.#origin) / 1000
  }

  /** Poisson arrivals at `rate(time)` a second, until the stage is left. */
  load(rate, arrive) {
    const next = () => {
      const now = rate(this.time)
      // Nobody comes: look again soon.
      if (now === 0) this.clock.after(10, next)
      else
        this.clock.after((-Math.log(1 - this.random()) * 1000) / now, () => {
          arrive()
          next()
        })
    }
    next()
  }

  /** Runs `run` at a point in time, in seconds. */
  at(time, run) {
    this.clock.after(this.#origin + time * 1000 - this.clock.now(), run)
  }

  /** Reads a value every `every` ms: points of seconds and value. */
  watch(every, read) {
    const points = [[this.time, read()]]
    const look = () => {
      points.push([this.time, read()])
      this.clock.after(every, look)
    }
    this.clock.after(every, look)
    return points
  }

  /** Lets time pass up to `end`, in seconds. */
  play(end) {
    this.clock.advanceTo(this.#origin + end * 1000)
  }

  /** The same for code that needs promises to settle: in steps of a millisecond. */
  async playAsync(end) {
    while (this.time < end) {
      this.clock.advance(1)
      for (let turn = 0; turn < 8; turn++) await Promise.resolve()
    }
  }
}

/** A service: `slots` workers and an endless queue before them. It does the work of callers who have left, too. */
export class Plant {
  slots
  service
  #stage
  #waiting = []
  #head = 0
  #busy = 0

  constructor(stage, slots, service) {
    this.#stage = stage
    this.slots = slots
    this.service = service
  }

  work(done) {
    this.#waiting.push(done)
    this.start()
  }

  start() {
    while (this.#busy < this.slots && this.#head < this.#waiting.length) {
      const done = this.#waiting[this.#head++]
      this.#busy++
      this.#stage.clock.after(this.service(), () => {
        this.#busy--
        done()
        this.start()
      })
    }
  }
}

/** Service times around a mean in ms, coefficient of variation 0.6: a well-behaved service. */
export function spread(random, mean) {
  return () => (-Math.log((1 - random()) * (1 - random()) * (1 - random())) * mean) / 3
}

/** Counts events in stretches of `width` seconds. */
export class Rate {
  #stage
  #width
  #counts = []

  constructor(stage, width = 1) {
    this.#stage = stage
    this.#width = width
  }

  add(amount = 1) {
    const at = Math.floor(this.#stage.time / this.#width + 1e-9)
    this.#counts[at] = (this.#counts[at] ?? 0) + amount
  }

  count(from = 0, to = Infinity) {
    let sum = 0
    for (const [at, count] of this.#counts.entries())
      if (at * this.#width >= from - 1e-9 && at * this.#width < to - 1e-9) sum += count ?? 0
    return sum
  }

  /** Points of time and events per second, one per stretch, up to `end`. */
  points(end) {
    return Array.from({ length: Math.round(end / this.#width) }, (_, at) => [
      at * this.#width,
      (this.#counts[at] ?? 0) / this.#width,
    ])
  }
}

/** A quantile of values, nearest rank. */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

/** Mean of the values of points from one time to another. */
export function mean(points, from, to) {
  const values = points.filter(([x]) => x >= from && x < to).map(([, y]) => y)
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}

/** The same points, averaged over stretches of `width` seconds and drawn at their middle. */
export function smooth(points, width) {
  const sums = new Map()
  for (const [x, y] of points) {
    const at = Math.floor(x / width + 1e-9)
    const [sum = 0, count = 0] = sums.get(at) ?? []
    sums.set(at, [sum + y, count + 1])
  }
  const end = points.at(-1)[0]
  return [...sums].map(([at, [sum, count]]) => [(at + 0.5) * width, sum / count]).filter(([x]) => x <= end)
}

/** Points of a rate drawn as steps: the last stretch has an end, too. */
export function steps(rate, end) {
  const points = rate.points(end)
  return [...points, [end, points.at(-1)[1]]]
}

/** Stacks rates as bars, the first at the bottom: what `series` of kind `bars` want. */
export function stack(rates, end) {
  const bases = new Map()
  return rates.map((rate) =>
    rate.points(end).map(([x, y]) => {
      const base = bases.get(x) ?? 0
      bases.set(x, base + y)
      return [x, y, base]
    }),
  )
}
