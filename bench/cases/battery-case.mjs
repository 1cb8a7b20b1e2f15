// One case on one peer in a process of its own: prints { verdict, why }. The parent bounds its time.
import cases from './battery-cases.mjs'
import peers from './battery-peers.mjs'
import { Fault } from './battery-work.mjs'

const [peerName, caseName] = process.argv.slice(2)
const peer = peers.find(({ name }) => name === peerName)
const { needs = [], run } = cases[caseName]

/** Ends at once: what is stuck stays stuck. Whatever is said first counts. */
function say(verdict, why = '') {
  process.stdout.write(JSON.stringify({ verdict, why }), () => process.exit(0))
}

const stray = (error) => say('FAIL', `an error nobody can catch: ${String(error?.message ?? error)}`)
process.on('unhandledRejection', stray)
process.on('uncaughtException', stray)

if (needs.every((need) => peer.can.includes(need))) {
  try {
    await run(peer)
    // A stray rejection comes a turn later.
    await new Promise((resolve) => setTimeout(resolve, 5))
    say('ok')
  } catch (error) {
    say('FAIL', error instanceof Fault ? error.message : `throws ${String(error)}`)
  }
} else say('–')
