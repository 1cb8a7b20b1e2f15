import { checkNumber, type Clock } from '../ground/index.ts'
import type { Drained, DrainOptions } from './consumer-options.ts'
import type { Dispatcher } from './dispatcher.ts'

/** Waits until nothing is at work, or calls it off when that takes too long. */
export async function drained(
  dispatcher: Dispatcher,
  clock: Clock,
  options: DrainOptions,
  callOff: () => void,
): Promise<Drained> {
  const timeout = checkNumber('drain.timeout', options.timeout ?? 30_000, 0)
  let cutOff = 0
  const timer = clock.after(timeout, () => {
    cutOff = dispatcher.running
    callOff()
  })
  await dispatcher.idle()
  timer.cancel()
  return { cutOff }
}
