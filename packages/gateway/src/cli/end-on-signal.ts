import type { Millis } from 'sluice'
import type { Gateway } from '../gateway.ts'
import { spoken } from './duration.ts'

/** What a shell reports for a process that a signal ended. */
const EXIT: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 }

/** Requirement S1.10: the first signal drains, the second ends at once. */
export function endOnSignal(
  gateway: Gateway,
  within: () => Millis,
  signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'],
): void {
  let draining = false
  const onSignal = (signal: NodeJS.Signals): void => {
    if (draining) {
      say(`${signal} again: ends now, ${cut(gateway.pending)}`)
      process.exit(EXIT[signal] ?? 1)
    }
    draining = true
    const drainTimeout = within()
    say(`${signal}: no new connections; ${gateway.pending} to finish within ${spoken(drainTimeout)}`)
    void gateway.drain(drainTimeout).then(({ cutOff }) => {
      say(cutOff === 0 ? 'drained: nothing was lost' : `time is up, ${cut(cutOff)}`)
      process.exit(cutOff === 0 ? 0 : 1)
    })
  }
  for (const signal of signals) process.on(signal, onSignal)
}

function cut(requests: number): string {
  return `${requests} ${requests === 1 ? 'request' : 'requests'} cut off`
}

function say(line: string): void {
  process.stderr.write(`sluice: ${line}\n`)
}
