import { Option, type Command } from 'commander'
import type { Millis } from 'sluice'
import {
  ConfigError,
  countOf,
  describePlan,
  plan,
  PRESET_NAMES,
  upstreamUrl,
  type Plan,
  type PresetName,
} from '../config/index.ts'
import { ListenError, startGateway, type Gateway } from '../gateway.ts'
import { durationArgument } from './duration.ts'
import { endOnSignal } from './end-on-signal.ts'
import { reading } from './reading.ts'
import { reachable } from './reachable.ts'

interface RunFlags {
  readonly upstream: URL
  readonly host: string
  readonly port: number
  readonly adminPort: number
  readonly gate: boolean
  readonly preset?: PresetName
  readonly maxConcurrent?: number
  readonly queue?: number
  readonly waitTimeout?: Millis
  readonly rejectThreshold?: number
  readonly headersTimeout: Millis
  readonly drainTimeout: Millis
  readonly hostHeader: 'client' | 'upstream'
  readonly trustForwarded: boolean
}

const HELP = `
Examples:
  $ sluice run --upstream http://127.0.0.1:3000
  $ sluice run --upstream http://127.0.0.1:3000 --port 80 --preset production
  $ BACKPRESSURE_MAX_CONCURRENT=50 sluice run --upstream http://127.0.0.1:3000 --queue 200 --wait-timeout 1s

Without --max-concurrent and --preset the limit finds itself.
Environment: PORT, ENABLE_BACKPRESSURE, BACKPRESSURE_MAX_CONCURRENT, BACKPRESSURE_QUEUE_CAPACITY,
BACKPRESSURE_WAIT_TIMEOUT (seconds), BACKPRESSURE_REJECT_THRESHOLD. Flags win over it, and it over the preset.
SIGTERM or SIGINT serves what has come and exits 0, or 1 when something had to be cut off; a second one exits at once.`

/** `sluice run`: the gateway. */
export function runCommand(program: Command): void {
  const port = (name: string) => reading((text) => countOf(name, text, 0, 65_535))
  const duration = durationArgument({ min: 1, max: 86_400_000 })
  program
    .command('run')
    .description('put a gate in front of an HTTP service')
    .addOption(
      new Option('--upstream <url>', 'the service: scheme, host and port')
        .argParser(reading((text) => upstreamUrl('--upstream', text)))
        .makeOptionMandatory(),
    )
    .option('--host <address>', 'address of the data port', '0.0.0.0')
    .addOption(new Option('--port <n>', 'the data port').argParser(port('--port')).default(8080).env('PORT'))
    .addOption(
      new Option('--admin-port <n>', 'health and metrics, on loopback only')
        .argParser(port('--admin-port'))
        .default(9090),
    )
    .addOption(new Option('--preset <name>', 'a set of limits').choices([...PRESET_NAMES]))
    .option(
      '--max-concurrent <n>',
      'in progress at once',
      reading((text) => countOf('--max-concurrent', text, 1)),
    )
    .option(
      '--queue <n>',
      'waiting at once',
      reading((text) => countOf('--queue', text, 0)),
    )
    .option('--wait-timeout <duration>', 'the longest anybody waits, like 3s', durationArgument({ max: 86_400_000 }))
    .option(
      '--reject-threshold <n>',
      'in progress and waiting, at which everybody is refused',
      reading((text) => countOf('--reject-threshold', text, 1)),
    )
    .option('--no-gate', 'let everybody in')
    .addOption(
      new Option('--headers-timeout <duration>', 'for the upstream to begin its answer')
        .argParser(duration)
        .default(60_000, '60s'),
    )
    .addOption(
      new Option('--drain-timeout <duration>', 'for what is in progress to end after SIGTERM')
        .argParser(duration)
        .default(30_000, '30s'),
    )
    .addOption(
      new Option('--host-header <whose>', 'the host the upstream sees')
        .choices(['client', 'upstream'])
        .default('client'),
    )
    .option('--trust-forwarded', 'believe the x-forwarded headers of clients: only behind a proxy of your own', false)
    .addHelpText('after', HELP)
    .action(run)
}

async function run(flags: RunFlags, command: Command): Promise<void> {
  const fail = (message: string): never => command.error(message, { exitCode: 2 })
  const chosen = planOf(flags, fail)
  const { upstream, host, port, adminPort, drainTimeout } = flags
  let gateway: Gateway
  try {
    const { headersTimeout, hostHeader, trustForwarded } = flags
    const connection = { upstream, host, port, adminPort }
    gateway = await startGateway({ ...connection, headersTimeout, hostHeader, trustForwarded, plan: chosen })
  } catch (error) {
    if (!(error instanceof ListenError)) throw error
    return fail(unlistenable(error, flags))
  }
  endOnSignal(gateway, drainTimeout)
  const shown = host.includes(':') ? `[${host}]` : host
  process.stdout.write(
    `sluice: http://${shown}:${gateway.port} -> ${upstream.origin}, ${describePlan(chosen)}; ` +
      `health and metrics on http://127.0.0.1:${gateway.adminPort}\n`,
  )
  const why = await reachable(upstream)
  if (why !== undefined)
    process.stderr.write(`sluice: ${upstream.origin} cannot be reached now (${why}); requests get a 502 until it can\n`)
}

function planOf(flags: RunFlags, fail: (message: string) => never): Plan {
  const { gate, preset, maxConcurrent, queue: queueCapacity, waitTimeout, rejectThreshold } = flags
  const limits = {
    ...(maxConcurrent !== undefined && { maxConcurrent }),
    ...(queueCapacity !== undefined && { queueCapacity }),
    ...(waitTimeout !== undefined && { waitTimeout }),
    ...(rejectThreshold !== undefined && { rejectThreshold }),
    ...(!gate && { enabled: false }),
  }
  try {
    return plan({ flags: limits, environment: process.env, preset })
  } catch (error) {
    if (error instanceof ConfigError) return fail(error.message)
    throw error
  }
}

function unlistenable({ port, code }: ListenError, { port: data, host }: RunFlags): string {
  const flag = port === data ? '--port' : '--admin-port'
  if (code === 'EADDRINUSE') return `port ${port} is taken; choose another with ${flag}`
  if (code === 'EACCES') return `port ${port} is not allowed for this user; choose another with ${flag}`
  return `cannot listen on ${flag === '--port' ? host : '127.0.0.1'}:${port} (${code}); see ${flag} and --host`
}
