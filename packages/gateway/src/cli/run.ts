import type { Command } from 'commander'
import {
  ConfigError,
  ConfigProblems,
  countOf,
  describeGatewayPlan,
  describeUpstreams,
  type GatewayPlan,
} from '../config/index.ts'
import { ListenError, startGateway, type Gateway } from '../gateway.ts'
import { MachineStore, ownWorker } from '../workers/index.ts'
import { endOnSignal } from './end-on-signal.ts'
import { exitWith, planned, plannedOrExit } from './planned.ts'
import { reading } from './reading.ts'
import { reachable } from './reachable.ts'
import { obey, planOfWorker, runWorkers } from './run-workers.ts'
import { withRunFlags, type RunFlags } from './run-flags.ts'

const HELP = `
Examples:
  $ sluice run --upstream http://127.0.0.1:3000
  $ sluice run --upstream http://127.0.0.1:3000 --port 80 --preset production
  $ BACKPRESSURE_MAX_CONCURRENT=50 sluice run --upstream http://127.0.0.1:3000 --queue 200 --wait-timeout 1s
  $ sluice run --llm openai --upstream http://10.0.0.5:8000 --upstream http://10.0.0.6:8000
  $ sluice run --upstream http://127.0.0.1:3000 --max-concurrent 300 --redis redis://10.0.0.9:6379 --on-down share
  $ sluice run sluice.yaml

Without --max-concurrent and --preset the limit finds itself.
Flags win over the environment, it over the file, and the file over the defaults. sluice check says what comes of it.
Environment: PORT, SLUICE_UPSTREAM, SLUICE_HOST, SLUICE_PORT, SLUICE_ADMIN_HOST, SLUICE_ADMIN_PORT, SLUICE_ADMIN_TOKEN,
SLUICE_PRESET, SLUICE_REDIS_URL, SLUICE_ON_DOWN, SLUICE_DRY_RUN, ENABLE_BACKPRESSURE, BACKPRESSURE_MAX_CONCURRENT,
BACKPRESSURE_QUEUE_CAPACITY, BACKPRESSURE_WAIT_TIMEOUT (seconds), BACKPRESSURE_REJECT_THRESHOLD.
With --workers n there are n processes; a fixed limit and a rate are those of all together.
SIGHUP reads the file again; a bad one changes nothing.
SIGTERM or SIGINT serves what has come and exits 0, or 1 when something had to be cut off; a second one exits at once.`

/** `sluice run`: the gateway. */
export function runCommand(program: Command): void {
  withRunFlags(program.command('run').description('put a gate in front of an HTTP service'))
    .option(
      '--workers <n>',
      'processes that share the data port and its fixed limits; each has an admin port of its own, upwards of --admin-port',
      reading((text) => countOf('--workers', text, 1, 256)),
    )
    .argument('[config]', 'a YAML file')
    .addHelpText('after', HELP)
    .action(run)
}

async function run(file: string | undefined, flags: RunFlags, command: Command): Promise<void> {
  const plan = await plannedOrExit(file, flags, command)
  const worker = ownWorker()
  if (flags.workers !== undefined && worker === undefined) return await runWorkers(plan, file, flags.workers)
  const config = worker === undefined ? plan : planOfWorker(plan, worker)
  const machine = worker && new MachineStore(worker.name, worker.workers)
  const read = async (): Promise<GatewayPlan> => {
    const next = await planned(file, flags)
    return worker === undefined ? next : planOfWorker(next, worker)
  }
  let gateway: Gateway
  try {
    const source = file !== undefined && { file, reload: read }
    gateway = await startGateway({
      config,
      ...source,
      ...(machine && { machine }),
      onDrain: () =>
        worker === undefined ? void process.kill(process.pid, 'SIGTERM') : worker.report({ kind: 'drain' }),
      audit: (line) => say(process.stderr, line),
    })
  } catch (error) {
    if (error instanceof ListenError) return command.error(unlistenable(error, config), { exitCode: 2 })
    return exitWith(error, command)
  }
  if (worker !== undefined) return obey(worker, gateway, () => file !== undefined && reload(gateway, file, read))
  endOnSignal(gateway, () => gateway.plan.listen.drainTimeout)
  if (file !== undefined) process.on('SIGHUP', () => void reload(gateway, file, read))
  const { host, adminHost } = config.listen
  say(
    process.stdout,
    `http://${inUrl(host)}:${gateway.port} -> ${describeUpstreams(config)}, ${describeGatewayPlan(config)}; ` +
      `page, health and metrics on http://${inUrl(adminHost)}:${gateway.adminPort}`,
  )
  const servers = Object.values(config.upstreams).flatMap((upstream) => upstream.servers.map(({ url }) => url))
  await Promise.all(servers.map(lookAt))
}

async function lookAt(url: string): Promise<void> {
  const why = await reachable(new URL(url))
  if (why !== undefined) say(process.stderr, `${url} cannot be reached now (${why}); requests get a 502 until it can`)
}

/** What SIGHUP asks for: the file as it is now, or nothing at all. */
async function reload(gateway: Gateway, file: string, read: () => Promise<GatewayPlan>): Promise<void> {
  try {
    const { waiting, hash } = await gateway.reload(await read())
    const rest =
      waiting.length === 0 ? '' : `; ${waiting.join(', ')} ${waiting.length === 1 ? 'waits' : 'wait'} for a restart`
    say(process.stderr, `SIGHUP: ${file} is in force, plan ${hash}: ${describeGatewayPlan(gateway.plan)}${rest}`)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    if (!(error instanceof ConfigProblems || error instanceof ConfigError)) say(process.stderr, `SIGHUP: ${why}`)
    else for (const line of why.split('\n')) say(process.stderr, line)
    say(process.stderr, `SIGHUP: nothing has changed, the configuration in force stays`)
  }
}

function say(stream: NodeJS.WriteStream, line: string): void {
  stream.write(`sluice: ${line}\n`)
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function unlistenable({ port, code }: ListenError, { listen }: GatewayPlan): string {
  const flag = port === listen.port ? '--port' : '--admin-port'
  if (code === 'EADDRINUSE') return `port ${port} is taken; choose another with ${flag}`
  if (code === 'EACCES') return `port ${port} is not allowed for this user; choose another with ${flag}`
  const address = flag === '--port' ? listen.host : listen.adminHost
  return `cannot listen on ${address}:${port} (${code}); see ${flag} and --host`
}
