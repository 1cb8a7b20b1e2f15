import { gateOf } from 'sluice/sim'
import { alwaysMax } from './limits/always-max.mjs'
import { alwaysMin } from './limits/always-min.mjs'
import { brpc } from './limits/brpc.mjs'
import { envoy } from './limits/envoy.mjs'
import { failsafe } from './limits/failsafe.mjs'
import { frozen } from './limits/frozen.mjs'

const STRANGERS = { envoy, failsafe, brpc, frozen, alwaysMin, alwaysMax }

export const MUTANTS = ['frozen', 'alwaysMin', 'alwaysMax']
/** The first is ours, the last three must come last. */
export const LIMITS = ['adaptive', 'aimd', 'vegas', 'gradient2', 'envoy', 'failsafe', 'brpc', ...MUTANTS]
/** The first is that of the default limiter. */
export const QUEUES = ['default', 'none', 'fifo', 'codel']

/**
 * A gate of a simulation.
 * @param limit the name of an algorithm, or a number
 * @param queue the name of a discipline; `default` for what `limiter()` has
 */
export function gateMaker(limit, queue) {
  const known = queue === 'default' ? {} : { queue: queue === 'fair' ? { name: 'fair', standing: false } : queue }
  // A fixed limit has no queue of its own.
  const waiting = { name: 'priority', capacity: 1000, maxWait: 1000, standing: false }
  const data = { limit, ...known, ...(queue === 'default' && typeof limit === 'number' && { queue: waiting }) }
  return (world) => gateOf(data, world, STRANGERS)
}
