import type { Server } from 'node:http'
import type { Gate } from '../gate/index.ts'
import { drain, type Drained, type DrainOptions } from './node-drain.ts'

/** Options of {@link drainOnSignal}. */
export interface DrainOnSignalOptions extends DrainOptions {
  /** Default `['SIGTERM', 'SIGINT']`. */
  readonly signals?: readonly NodeJS.Signals[]
  /**
   * Called when the drain is over. Default: says in a line on standard error what was cut off, and ends the process, with
   * 0 when that was nothing and 1 otherwise.
   */
  readonly ended?: (drained: Drained) => void
}

/**
 * Drains the server on the first signal, and ends what is left at once on the second (requirement S1.10). See `drain`.
 * @returns to listen no longer: dispose it
 */
export function drainOnSignal(
  server: Server,
  gate: Gate | undefined,
  { signals = ['SIGTERM', 'SIGINT'], ended = exit, ...options }: DrainOnSignalOptions = {},
): Disposable {
  let told = false
  const onSignal = (): void => {
    const done = drain(server, gate, options)
    if (told) return
    told = true
    void done.then(ended)
  }
  for (const signal of signals) process.on(signal, onSignal)
  return {
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}

function exit({ cutOff }: Drained): void {
  if (cutOff > 0) process.stderr.write(`sluice: ${cutOff} ${cutOff === 1 ? 'request was' : 'requests were'} cut off\n`)
  process.exit(cutOff === 0 ? 0 : 1)
}
