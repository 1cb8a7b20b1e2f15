// One peer at one depth in one process: hands in so many pieces of work while every slot is taken, weighs what waits, lets
// them all through. Prints { handIn, drain } in ns of processor time a waiter, and { bytes } a waiter.
import { Sema } from 'async-sema'
import { bulkhead } from 'cockatiel'
import pLimit from 'p-limit'
import PQueue from 'p-queue'
import { earliestDeadline, fair, fifo, priority, semaphore, systemClock } from 'sluice'

const SLOTS = 100
const HOUR = 3_600_000
const settlers = []
const flows = Array.from({ length: 1000 }, (_, at) => `flow-${at}`)

/** Each makes a function of the work and its number that hands it in and answers the caller's promise. */
const cases = {
  'sluice fifo': (n) => runs(fifo({ capacity: n, maxWait: HOUR })),
  'sluice priority, mixed': (n) => runs(priority({ capacity: n, maxWait: HOUR }), (at) => ({ priority: (at * 7) % 4 })),
  'sluice fair, 1,000 flows': (n) =>
    runs(fair({ capacity: n, maxWait: HOUR }), (at) => ({ flow: flows[(at * 7) % 1000] })),
  'sluice earliestDeadline, mixed': (n) => {
    const now = systemClock.now()
    return runs(earliestDeadline({ capacity: n, maxWait: HOUR }), (at) => ({
      deadline: now + HOUR / 2 + ((at * 7919) % n),
    }))
  },
  'sluice fifo, enter with a callback': (n) => {
    const gate = semaphore({ permits: SLOTS, queue: fifo({ capacity: n, maxWait: HOUR }) })
    return (work) =>
      new Promise((resolve) => {
        gate.enter({}, (permit) => {
          resolve(work().then(() => permit.release('success')))
        })
      })
  },
  'sluice fifo, acquire': (n) => {
    const gate = semaphore({ permits: SLOTS, queue: fifo({ capacity: n, maxWait: HOUR }) })
    return (work) =>
      gate.acquire().then(async (permit) => {
        await work()
        permit.release('success')
      })
  },
  'async-sema': () => {
    const sema = new Sema(SLOTS)
    return async (work) => {
      await sema.acquire()
      try {
        return await work()
      } finally {
        sema.release()
      }
    }
  },
  'p-limit': () => pLimit(SLOTS),
  'p-queue': () => {
    const queue = new PQueue({ concurrency: SLOTS })
    return (work) => queue.add(work)
  },
  'p-queue, mixed priorities': () => {
    const queue = new PQueue({ concurrency: SLOTS })
    return (work, at) => queue.add(work, { priority: (at * 7) % 4 })
  },
  'cockatiel bulkhead': (n) => {
    const policy = bulkhead(SLOTS, n)
    return (work) => policy.execute(work)
  },
  // The caller's own, which is taken off: a promise, and the two functions without which nobody could settle it.
  'the promise itself': () => (_work, at) =>
    new Promise((resolve, reject) => {
      settlers[2 * at] = resolve
      settlers[2 * at + 1] = reject
    }),
  // … and what it makes itself where it is handed a permit rather than a result.
  'the promise and its callback': () => (work, at) =>
    new Promise((resolve) => {
      settlers[2 * at] = (permit) => {
        resolve(work().then(() => permit.release('success')))
      }
    }),
  'the promise and its then': () => (work, at) =>
    new Promise((resolve, reject) => {
      settlers[2 * at] = resolve
      settlers[2 * at + 1] = reject
    }).then(async (permit) => {
      await work()
      permit.release('success')
    }),
}

function runs(queue, arrivalOf) {
  const gate = semaphore({ permits: SLOTS, queue })
  return arrivalOf === undefined ? (work) => gate.run(work) : (work, at) => gate.run(work, arrivalOf(at))
}

function spent() {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

if (process.argv[2] === '--list') {
  process.stdout.write(JSON.stringify(Object.keys(cases)))
} else {
  const [name, size] = process.argv.slice(2)
  const n = Number(size)
  const handIn = cases[name](n)
  let letGo
  const held = new Promise((resolve) => (letGo = resolve))
  for (let slot = 0; slot < SLOTS; slot++) handIn(() => held, 0)
  await new Promise((resolve) => setTimeout(resolve, 5))
  let done = 0
  const work = async () => {
    done++
  }
  const answers = Array.from({ length: n }, () => undefined)
  for (let at = 0; at < 2 * n; at++) settlers[at] = undefined
  globalThis.gc()
  const before = process.memoryUsage().heapUsed
  const begin = spent()
  for (let at = 0; at < n; at++) answers[at] = handIn(work, at)
  const handedIn = spent()
  globalThis.gc()
  const bytes = (process.memoryUsage().heapUsed - before) / n
  const result = { handIn: (handedIn - begin) / n, drain: 0, bytes }
  if (!name.startsWith('the promise')) {
    const release = spent()
    letGo()
    // oxlint-disable-next-line typescript/await-thenable -- promises, which the lint cannot see
    for (const answer of answers) await answer
    result.drain = (spent() - release) / n
    if (done !== n) throw new Error(`${done} of ${n} done`)
  }
  process.stdout.write(JSON.stringify(result), () => process.exit(0))
}
