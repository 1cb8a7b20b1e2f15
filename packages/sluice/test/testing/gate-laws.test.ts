import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as sluice from '../../src/index.ts'
import { gateLaws, type LawRunner } from '../../src/testing/index.ts'
import { FIRST_COME, gates } from './subjects.ts'

/** Gates that break a law in a corner, and how. Whoever repairs one takes it out of here. */
const BROKEN: Readonly<Record<string, string>> = {
  'semaphore with eviction':
    'a newcomer may be answered before it can be heard, and one that fits and stands first waits for the next release',
  'series(semaphore, limiter)': 'cancel() does nothing while permits of gates further out are being given back',
  'series with when': 'cancel() does nothing while permits of gates further out are being given back',
  'token bucket with a queue': 'the timer for the next waiter stays when the last one cancels',
  'leaky bucket': 'the timer for the next waiter stays when the last one cancels',
  'keyed semaphores': 'an answer during close() may let somebody in at a gate that is not closed yet',
  breaker: 'half open it counts who came in before it opened; it takes arrivals that make no sense',
}

/** The corner is rare in these, without weights: the laws are enforced on as many scripts as do not meet it. */
const MOSTLY_SOUND = new Set(['semaphore with eviction', 'series(semaphore, limiter)', 'series with when'])

for (const [name, make] of Object.entries(gates(sluice))) {
  const todo = BROKEN[name]
  const traits = { context: new AsyncLocalStorage(), fifo: FIRST_COME.has(name) }
  if (todo === undefined) gateLaws(name, { describe, it }, fc, make, { runs: 400, ...traits })
  else {
    const later: LawRunner = { describe, it: (title, body) => it(title, { todo }, body) }
    gateLaws(`${name}, to be repaired`, later, fc, make, { runs: 400, ...traits })
    if (MOSTLY_SOUND.has(name))
      gateLaws(`${name}, as far as it is sound`, { describe, it }, fc, make, { runs: 150, ...traits, weighted: false })
  }
}
