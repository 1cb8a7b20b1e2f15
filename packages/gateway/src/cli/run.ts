import type { Command } from 'commander'
import { strayVariables, type GatewayPlan } from '../config/index.ts'
import { ListenError, startGateway, type Gateway } from '../gateway.ts'
import { MachineStore, ownWorker } from '../workers/index.ts'
import { endOnSignal } from './end-on-signal.ts'
import { gatewayEnds } from './gateway-ends.ts'
import { lookAround } from './look-around.ts'
import { exitWith, planned, plannedOrExit } from './planned.ts'
import { obeyHangUp, reload } from './reload.ts'
import { obey, runWorkers } from './run-workers.ts'
import { withRunFlags, type RunFlags } from './run-flags.ts'
import { say } from './say.ts'
import { sayStart } from './say-start.ts'

const HELP = `
Examples:
  $ sluice run --upstream http://127.0.0.1:3000
  $ sluice run --upstream http://127.0.0.1:3000 --port 80 --preset production
  $ BACKPRESSURE_MAX_CONCURRENT=50 sluice run --upstream http://127.0.0.1:3000 --queue 200 --wait-timeout 1s
  $ sluice run --llm openai --upstream http://10.0.0.5:8000 --upstream http://10.0.0.6:8000
  $ sluice run --upstream http://127.0.0.1:3000 --max-concurrent 300 --redis redis://10.0.0.9:6379 --on-down share
  $ sluice run --upstream http://127.0.0.1:3000 --port 443 --tls-cert chain.pem --tls-key key.pem
  $ sluice run sluice.yaml

Without --max-concurrent and --preset the limit finds itself.
Flags win over the environment, it over the file, and the file over the defaults. sluice check says what comes of it.
Environment: PORT, SLUICE_UPSTREAM, SLUICE_HOST, SLUICE_PORT, SLUICE_ADMIN_HOST, SLUICE_ADMIN_PORT, SLUICE_ADMIN_TOKEN,
SLUICE_TLS_CERT, SLUICE_TLS_KEY, SLUICE_PRESET, SLUICE_REDIS_URL, SLUICE_ON_DOWN, SLUICE_DRY_RUN, SLUICE_UPSTREAM_CLIENT,
ENABLE_BACKPRESSURE, BACKPRESSURE_MAX_CONCURRENT, BACKPRESSURE_QUEUE_CAPACITY, BACKPRESSURE_WAIT_TIMEOUT (seconds),
BACKPRESSURE_REJECT_THRESHOLD.
With --workers n there are n processes that are one gateway: limits and rates are those of all together, figures are added
up, and what is ordered on the admin port is ordered of all of them.
With a certificate the data port speaks HTTP/1.1 and HTTP/2 over TLS, without one HTTP/1.1; upstreams get HTTP/1.1. A file
can say more: HTTP/2 without TLS (listen.h2c), and to upstreams (http2).
SIGHUP reads the file and the certificate again; a bad one changes nothing. What is ordered on the admin port, and when the
state becomes another one (shedding, upstream-failing, store-degraded …), is a line on standard error.
SIGTERM or SIGINT serves what has come and exits 0, or 1 when something had to be cut off; a second one exits at once.`

/** `sluice run`: the gateway. */
export function runCommand(program: Command): void {
  withRunFlags(program.command('run').description('put a gate in front of an HTTP service'))
    .argument('[config]', 'a YAML file')
    .addHelpText('after', HELP)
    .action(run)
}

async function run(file: string | undefined, flags: RunFlags, command: Command): Promise<void> {
  const worker = ownWorker()
  const config = worker === undefined ? await plannedOrExit(file, flags, command) : await worker.plan()
  if (worker === undefined) for (const line of strayVariables(process.env)) say(line)
  const read = (): Promise<GatewayPlan> => planned(file, flags)
  // A certificate is renewed without a file, too.
  const isToReload = file !== undefined || config.listen.tls !== undefined
  if (flags.workers !== undefined && worker === undefined) {
    try {
      return await runWorkers({ plan: config, workers: flags.workers, file, ...(isToReload && { read }) })
    } catch (error) {
      return failed(error, config, command)
    }
  }
  const ordered = new AbortController()
  let gateway: Gateway
  try {
    const source = isToReload && { ...(file !== undefined && { file }), reload: read }
    gateway = await startGateway({
      config,
      ...source,
      ...(worker && { machine: new MachineStore(worker) }),
      onDrain: () => ordered.abort(),
      say,
    })
  } catch (error) {
    worker?.leave()
    return failed(error, config, command)
  }
  if (worker !== undefined) return obey(worker, gateway)
  endOnSignal(gatewayEnds(gateway), ordered.signal)
  obeyHangUp(isToReload ? () => void reload(gateway, file, read) : undefined)
  sayStart(config, gateway)
  await lookAround(config, say)
}

function failed(error: unknown, config: GatewayPlan, command: Command): never {
  if (error instanceof ListenError) return command.error(unlistenable(error, config), { exitCode: 2 })
  return exitWith(error, command)
}

function unlistenable({ port, code }: ListenError, { listen }: GatewayPlan): string {
  const flag = port === listen.port ? '--port' : '--admin-port'
  if (code === 'EADDRINUSE') return `port ${port} is taken; choose another with ${flag}`
  if (code === 'EACCES') return `port ${port} is not allowed for this user; choose another with ${flag}`
  const address = flag === '--port' ? listen.host : listen.adminHost
  return `cannot listen on ${address}:${port} (${code}); see ${flag} and --host`
}
