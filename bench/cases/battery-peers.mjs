// Whom the battery is run on. Each is set up as its README would for the purpose: so many slots, so many may wait, a time
// limit. What an API has no notion of is left out of `can`, and its cases are not run.
//
// open({ slots, waiting, timeout?, maxWait? }) answers { run(work, { signal?, cost? }), close?(), acquire?() }:
// `work` gets whatever signal the peer hands to it; `acquire` answers the function that gives the slot back.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Sema } from 'async-sema'
import Bottleneck from 'bottleneck'
import * as cockatiel from 'cockatiel'
import CircuitBreaker from 'opossum'
import pLimit from 'p-limit'
import PQueue from 'p-queue'
import { breaker, fifo, fixed, limiter, semaphore, series, shedder, tokenBucket } from 'sluice'
import naive from './battery-naive.mjs'

/** What there is a notion of: `bound` of waiters, the `signal` of a caller, one for the `work`, and so on. */
const EVERYTHING = [
  'queue',
  'bound',
  'signal',
  'work signal',
  'timeout',
  'maxWait',
  'cost',
  'acquire',
  'close',
  'plain work',
]

function sluice(name, make) {
  return {
    name,
    package: 'sluice',
    can: EVERYTHING,
    open: ({ slots, waiting, timeout, maxWait = 60_000 }) => {
      const gate = make(slots, fifo({ capacity: waiting, maxWait }))
      return {
        run: (work, { signal, cost } = {}) =>
          gate.run((own) => work(own), {
            ...(signal && { signal }),
            ...(cost && { cost }),
            ...(timeout && { timeout }),
          }),
        acquire: async () => {
          const permit = await gate.acquire()
          return () => permit.release('success')
        },
        close: () => gate.close(),
      }
    },
  }
}

const peers = [
  sluice('sluice semaphore', (permits, queue) => semaphore({ permits, queue })),
  sluice('sluice limiter', (slots, queue) => limiter({ limit: fixed(slots), queue })),
  // The others in front of the limiter are wide open: what is asked is if slots survive a way through all of them.
  sluice('sluice series', (slots, queue) => {
    const inner = limiter({ limit: fixed(slots), queue })
    const calm = { value: { level: 0, cause: 'calm' }, subscribe: () => ({ [Symbol.dispose]() {} }) }
    const circuit = breaker({ rule: { timed: false, record: () => false, reset() {} } })
    return series(circuit, shedder({ pressure: calm }), tokenBucket({ tokens: 1e9 }), inner)
  }),
  {
    name: 'cockatiel',
    package: 'cockatiel',
    can: ['queue', 'bound', 'signal', 'work signal', 'timeout', 'plain work'],
    open: ({ slots, waiting, timeout }) => {
      const slotsOnly = cockatiel.bulkhead(slots, waiting)
      // The time limit inside, so that it is for the work and not for the waiting. Aggressive answers the caller in time;
      // Cooperative waits for the work.
      const policy =
        timeout === undefined
          ? slotsOnly
          : cockatiel.wrap(slotsOnly, cockatiel.timeout(timeout, cockatiel.TimeoutStrategy.Aggressive))
      return { run: (work, { signal } = {}) => policy.execute((context) => work(context.signal), signal) }
    },
  },
  {
    name: 'opossum',
    package: 'opossum',
    // `capacity` refuses beyond the slots; nobody waits. A caller's own signal is not taken: the controller it can be
    // given is the breaker's, one for all calls.
    // Work is an asynchronous function, by its README.
    can: ['bound', 'work signal', 'timeout', 'close'],
    open: ({ slots, timeout }) => {
      const circuit = new CircuitBreaker((work) => work(circuit.getSignal()), {
        capacity: slots,
        timeout: timeout ?? false,
        autoRenewAbortController: true,
        // The battery asks about slots: the breaker itself stays closed.
        volumeThreshold: Number.MAX_SAFE_INTEGER,
      })
      return { run: (work) => circuit.fire(work), close: () => circuit.shutdown() }
    },
  },
  {
    name: 'p-queue',
    package: 'p-queue',
    // `onSizeLessThan` is its word for bounds, but whoever awaits it waits unbounded as well. `clear()` is no `close`: its
    // README says that those who wait are never answered.
    can: ['queue', 'signal', 'work signal', 'timeout', 'plain work'],
    open: ({ slots, timeout }) => {
      const queue = new PQueue({ concurrency: slots, ...(timeout && { timeout }) })
      return { run: (work, options = {}) => queue.add(({ signal }) => work(signal), options) }
    },
  },
  {
    name: 'p-limit',
    package: 'p-limit',
    can: ['queue', 'close', 'plain work'],
    open: ({ slots }) => {
      // With `rejectOnClear` those who wait hear of it, as its README advises.
      const limit = pLimit({ concurrency: slots, rejectOnClear: true })
      return { run: (work) => limit(() => work()), close: () => limit.clearQueue(), reopens: true }
    },
  },
  {
    name: 'bottleneck',
    package: 'bottleneck',
    can: ['queue', 'bound', 'timeout', 'cost', 'close', 'plain work'],
    open: ({ slots, waiting, timeout }) => {
      // Unbounded unless asked: with `highWater` and OVERFLOW newcomers are refused, as by everybody else here.
      const limit = new Bottleneck({
        maxConcurrent: slots,
        highWater: waiting,
        strategy: Bottleneck.strategy.OVERFLOW,
      })
      return {
        run: (work, { cost } = {}) =>
          limit.schedule({ ...(timeout && { expiration: timeout }), ...(cost && { weight: cost }) }, async () =>
            work(),
          ),
        // Its promise is for when the running ones have ended too.
        close: () => void limit.stop({ dropWaitingJobs: true }),
      }
    },
  },
  {
    name: 'async-sema',
    package: 'async-sema',
    can: ['queue', 'acquire', 'plain work'],
    open: ({ slots }) => {
      const sema = new Sema(slots)
      return {
        run: async (work) => {
          await sema.acquire()
          try {
            return await work()
          } finally {
            sema.release()
          }
        },
        acquire: async () => {
          await sema.acquire()
          return () => sema.release()
        },
      }
    },
  },
  ...naive,
]

export default peers

/** The installed version of a package. */
export function versionOf(name) {
  const file = fileURLToPath(new URL(`../../node_modules/${name}/package.json`, import.meta.url))
  return JSON.parse(readFileSync(file, 'utf8')).version
}
