import { inWords } from '../config/index.ts'
import type { Gateway } from '../gateway.ts'
import type { Ends } from './end-on-signal.ts'
import { say } from './say.ts'

/** What a shell reports for a process that a signal ended. */
const EXIT: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 }

/** How the gateway of this process ends, and the process with it. */
export function gatewayEnds(gateway: Gateway): Ends {
  return {
    drain(why) {
      const within = gateway.plan.listen.drainTimeout
      say(`${why}: no new connections; ${gateway.pending} to finish within ${inWords(within)}`)
      void gateway.drain(within).then(({ cutOff }) => {
        say(cutOff === 0 ? 'drained: nothing was lost' : `time is up, ${cut(cutOff)}`)
        process.exit(cutOff === 0 ? 0 : 1)
      })
    },
    end(signal) {
      say(`${signal} again: ends now, ${cut(gateway.pending)}`)
      process.exit(EXIT[signal] ?? 1)
    },
  }
}

function cut(requests: number): string {
  return `${requests} ${requests === 1 ? 'request' : 'requests'} cut off`
}
