// One case in one process: the parent names it, this prints nanoseconds and bytes an operation.
import { Sema } from 'async-sema'
import * as cockatiel from 'cockatiel'
import { TokenBucket } from 'limiter'
import CircuitBreaker from 'opossum'
import pLimit from 'p-limit'
import {
  adaptive,
  breaker,
  failureRate,
  fifo,
  limiter,
  semaphore,
  series,
  shedder,
  systemClock,
  tally,
  tokenBucket,
} from 'sluice'

const work = async () => 1
const listeningWork = async (_signal) => 1
const calm = { value: { level: 0, cause: 'calm' }, subscribe: () => ({ [Symbol.dispose]() {} }) }
/** So many tokens a second that there is always one. */
const PLENTY = 1e9

/** Each case makes a function that does `n` operations, synchronously or not. */
const cases = {
  'bare counter': () => {
    let free = 100
    return (n) => {
      for (let i = 0; i < n; i++) {
        if (free <= 0) throw new Error('full')
        free--
        free++
      }
    }
  },
  'async-sema': () => {
    const sema = new Sema(100)
    return (n) => {
      for (let i = 0; i < n; i++) {
        if (sema.tryAcquire() === undefined) throw new Error('full')
        sema.release()
      }
    }
  },
  'sluice semaphore': () => tryEnter(semaphore({ permits: 100 })),
  'sluice semaphore, observed': () => tryEnter(semaphore({ permits: 100, observer: tally() })),
  'two clock readings': () => {
    let sum = 0
    return (n) => {
      for (let i = 0; i < n; i++) sum += performance.now() - performance.now()
      return sum
    }
  },
  // Nothing is done between the two, and of work as quick as that only one in three is timed: see the next but one.
  'sluice limiter': () => tryEnter(limiter()),
  'sluice limiter, observed': () => tryEnter(limiter({ observer: tally() })),
  // Each is in for some 50 µs, as long as it takes to let in the others: every one of them is timed.
  'sluice limiter, work of 50 µs': () => {
    const gate = limiter({ limit: adaptive({ min: 1000 }) })
    const permits = Array.from({ length: 500 })
    return (n) => {
      for (let i = 0; i < n; i += permits.length) {
        for (let at = 0; at < permits.length; at++) permits[at] = gate.tryEnter()
        for (const permit of permits) permit.release('success')
      }
    }
  },
  'sluice breaker': () => tryEnter(breaker()),
  'sluice series': () => tryEnter(pipeline()),
  'refusal: semaphore, no queue': () => {
    const gate = semaphore({ permits: 1 })
    gate.tryEnter()
    return refuse(gate)
  },
  'refusal: limiter': () => {
    const gate = limiter()
    while (gate.tryEnter().admitted);
    return refuse(gate)
  },
  'refusal: limiter, observed': () => {
    const gate = limiter({ observer: tally() })
    while (gate.tryEnter().admitted);
    return refuse(gate)
  },
  'refusal: limiter, queue full': () => {
    const gate = limiter({ queue: fifo({ capacity: 10, maxWait: 1e9 }) })
    while (gate.enter({}, () => {}) !== undefined || gate.stats.queued < 10);
    return (n) => {
      let refused = 0
      const answer = () => refused++
      for (let i = 0; i < n; i++) gate.enter({}, answer)
      if (refused !== n) throw new Error('let in')
    }
  },
  'refusal: breaker, open': () => {
    const gate = breaker({ openFor: 1e9 })
    gate.trip()
    return refuse(gate)
  },
  'refusal: token bucket': () => {
    const gate = tokenBucket({ tokens: 1e-9 })
    gate.tryEnter()
    return refuse(gate)
  },
  'bucket: bare': () => {
    // The least a bucket can be: what is left, and when that was reckoned.
    const capacity = PLENTY
    let tokens = capacity
    let at = performance.now()
    return (n) => {
      for (let i = 0; i < n; i++) {
        const now = performance.now()
        tokens = Math.min(capacity, tokens + ((now - at) * PLENTY) / 1000)
        at = now
        if (tokens < 1) throw new Error('empty')
        tokens--
      }
    }
  },
  'bucket: limiter': () => {
    const bucket = new TokenBucket({
      bucketSize: PLENTY,
      tokensPerInterval: PLENTY,
      interval: 'second',
    })
    // It begins empty.
    bucket.content = PLENTY
    return (n) => {
      for (let i = 0; i < n; i++) if (!bucket.tryRemoveTokens(1)) throw new Error('empty')
    }
  },
  'bucket: sluice tryTake': () => {
    const bucket = tokenBucket({ tokens: PLENTY })
    return (n) => {
      for (let i = 0; i < n; i++) if (!bucket.tryTake()) throw new Error('empty')
    }
  },
  'bucket: sluice tryEnter, release': () => tryEnter(tokenBucket({ tokens: PLENTY })),
  'run: bare await': () => async (n) => {
    for (let i = 0; i < n; i++) await work()
  },
  'run: cockatiel bulkhead': () => execute(cockatiel.bulkhead(100, 100)),
  'run: async-sema': () => {
    const sema = new Sema(100)
    const run = async () => {
      await sema.acquire()
      try {
        return await work()
      } finally {
        sema.release()
      }
    }
    return async (n) => {
      for (let i = 0; i < n; i++) await run()
    }
  },
  'run: p-limit': () => {
    const limit = pLimit(100)
    return async (n) => {
      for (let i = 0; i < n; i++) await limit(work)
    }
  },
  'run: sluice semaphore': () => run(semaphore({ permits: 100, queue: fifo({ capacity: 100 }) })),
  'run: sluice limiter': () => run(limiter()),
  'run: sluice limiter, observed': () => run(limiter({ observer: tally() })),
  'breaker: cockatiel, consecutive': () =>
    execute(
      cockatiel.circuitBreaker(cockatiel.handleAll, {
        halfOpenAfter: 10_000,
        breaker: new cockatiel.ConsecutiveBreaker(5),
      }),
    ),
  'breaker: cockatiel, sampling': () =>
    execute(
      cockatiel.circuitBreaker(cockatiel.handleAll, {
        halfOpenAfter: 10_000,
        breaker: new cockatiel.SamplingBreaker({ threshold: 0.5, duration: 10_000 }),
      }),
    ),
  'breaker: opossum, no timeout': () => fire(new CircuitBreaker(work, { timeout: false })),
  'breaker: opossum': () => fire(new CircuitBreaker(work)),
  'breaker: sluice, consecutive': () => run(breaker()),
  'breaker: sluice, failure rate': () => run(breaker({ rule: failureRate() })),
  'pipeline: cockatiel bulkhead, breaker, timeout': () =>
    execute(
      cockatiel.wrap(
        cockatiel.bulkhead(100, 100),
        cockatiel.circuitBreaker(cockatiel.handleAll, {
          halfOpenAfter: 10_000,
          breaker: new cockatiel.ConsecutiveBreaker(5),
        }),
        cockatiel.timeout(1000, cockatiel.TimeoutStrategy.Aggressive),
      ),
    ),
  'pipeline: sluice with a deadline': () => runBefore(pipeline(), work),
  'pipeline: sluice, work that takes a signal': () => runBefore(pipeline(), listeningWork),
  // The least that work which takes a signal can cost: whoever makes it one, has made this.
  'pipeline: a signal, nothing else': () => {
    let last
    return (n) => {
      for (let i = 0; i < n; i++) last = new AbortController().signal
      return last
    }
  },
}

function pipeline() {
  return series(breaker(), shedder({ pressure: calm }), tokenBucket({ tokens: PLENTY }), limiter())
}

function tryEnter(gate) {
  return (n) => {
    for (let i = 0; i < n; i++) {
      const verdict = gate.tryEnter()
      if (!verdict.admitted) throw new Error(verdict.code)
      verdict.release('success')
    }
  }
}

function refuse(gate) {
  return (n) => {
    for (let i = 0; i < n; i++) if (gate.tryEnter().admitted) throw new Error('let in')
  }
}

function run(gate) {
  return async (n) => {
    for (let i = 0; i < n; i++) await gate.run(work)
  }
}

function runBefore(gate, task) {
  return async (n) => {
    for (let i = 0; i < n; i++) await gate.run(task, { deadline: systemClock.now() + 1000 })
  }
}

function execute(policy) {
  return async (n) => {
    for (let i = 0; i < n; i++) await policy.execute(work)
  }
}

function fire(circuit) {
  return async (n) => {
    for (let i = 0; i < n; i++) await circuit.fire()
  }
}

/** Processor time of this process: on a shared machine it says more than the time on the wall. In ns. */
function spent() {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

if (process.argv[2] === '--list') {
  process.stdout.write(JSON.stringify(Object.keys(cases)))
} else {
  const operate = cases[process.argv[2]]()
  // Sized so that a batch takes about 50 ms, after the optimiser has seen enough.
  let n = 10_000
  for (;;) {
    const begin = spent()
    await operate(n)
    const took = spent() - begin
    if (took > 60e6) {
      n = Math.ceil((n * 50e6) / took)
      break
    }
    n *= 3
  }
  const batches = []
  for (let batch = 0; batch < 7; batch++) {
    const begin = spent()
    await operate(n)
    batches.push((spent() - begin) / n)
  }
  // Small windows, and their median: a collection can only spoil the window it falls into.
  const windows = []
  const few = 100
  for (let window = 0; window < 101; window++) {
    const before = process.memoryUsage().heapUsed
    await operate(few)
    windows.push((process.memoryUsage().heapUsed - before) / few)
  }
  process.stdout.write(JSON.stringify({ ns: median(batches), bytes: Math.max(0, median(windows)) }), () =>
    process.exit(0),
  )
}
