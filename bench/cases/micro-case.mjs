// One case in one process: the parent names it, this prints nanoseconds and bytes an operation.
import { Sema } from 'async-sema'
import { bulkhead } from 'cockatiel'
import pLimit from 'p-limit'
import { fifo, limiter, semaphore, series, tally } from 'sluice'

const work = async () => 1

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
  'sluice limiter': () => tryEnter(limiter()),
  'sluice limiter, observed': () => tryEnter(limiter({ observer: tally() })),
  'sluice series(semaphore, limiter)': () => tryEnter(series(semaphore({ permits: 100 }), limiter())),
  'sluice refusal, no queue': () => {
    const gate = semaphore({ permits: 1 })
    gate.tryEnter()
    return refuse(gate)
  },
  'sluice refusal, limiter': () => {
    const gate = limiter()
    while (gate.tryEnter().admitted);
    return refuse(gate)
  },
  'run: bare await': () => async (n) => {
    for (let i = 0; i < n; i++) await work()
  },
  'run: cockatiel bulkhead': () => {
    const policy = bulkhead(100, 100)
    return async (n) => {
      for (let i = 0; i < n; i++) await policy.execute(work)
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

if (process.argv[2] === '--list') {
  process.stdout.write(JSON.stringify(Object.keys(cases)))
} else {
  const operate = cases[process.argv[2]]()
  // Sized so that a batch takes about 0.2 s, after the optimiser has seen enough.
  let n = 20_000
  for (;;) {
    const begin = performance.now()
    await operate(n)
    const took = performance.now() - begin
    if (took > 100) {
      n = Math.ceil((n * 200) / took)
      break
    }
    n *= 4
  }
  const batches = []
  for (let batch = 0; batch < 7; batch++) {
    const begin = performance.now()
    await operate(n)
    batches.push(((performance.now() - begin) * 1e6) / n)
  }
  globalThis.gc()
  const before = process.memoryUsage().heapUsed
  const few = 2000
  await operate(few)
  const bytes = (process.memoryUsage().heapUsed - before) / few
  batches.sort((a, b) => a - b)
  process.stdout.write(JSON.stringify({ ns: batches[3], low: batches[0], high: batches[6], bytes: Math.max(0, bytes) }))
}
