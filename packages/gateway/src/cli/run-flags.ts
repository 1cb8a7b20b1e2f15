import { Option, type Command } from 'commander'
import {
  ADDRESS,
  ConfigError,
  countOf,
  PRESET_NAMES,
  REDIS_URL,
  upstreamUrl,
  type GatewaySettings,
  type Kind,
} from '../config/index.ts'
import { durationArgument } from './duration.ts'
import { reading } from './reading.ts'

/** What is said in another way by flags, or not at all: a token would be in the list of processes. */
type Otherwise = 'upstream' | 'servers' | 'enabled' | 'queueCapacity' | 'adminToken'

/** What `sluice run` and `sluice check` may be told by flags. Left out: environment, file, default. */
export interface RunFlags extends Omit<GatewaySettings, Otherwise> {
  readonly upstream?: readonly URL[]
  readonly gate: boolean
  readonly queue?: number
  /** How many processes. No part of the plan: it is the same in each. */
  readonly workers?: number
}

/** Adds the flags to a command. */
export function withRunFlags(command: Command): Command {
  const port = (name: string) => reading((text) => countOf(name, text, 0, 65_535))
  const count = (name: string, least: number) => reading((text) => countOf(name, text, least))
  const text = (name: string, kind: Kind<string>) => reading((value) => readAs(kind, name, value))
  const duration = durationArgument({ min: 1, max: 86_400_000 })
  return command
    .option(
      '--upstream <url>',
      'the service: scheme, host and port; several times where several do the same',
      (text, before: readonly URL[] | undefined) => [
        ...(before ?? []),
        reading((each) => upstreamUrl('--upstream', each))(text),
      ],
    )
    .addOption(
      new Option('--llm <dialect>', 'language models behind it, in turns by tokens').choices(['openai', 'anthropic']),
    )
    .addOption(
      new Option('--llm-usage <how>', 'ask chat streams for their usage where clients do not (default: pass)').choices([
        'pass',
        'inject',
      ]),
    )
    .option('--host <address>', 'address of the data port (default: 0.0.0.0)', text('--host', ADDRESS))
    .option('--port <n>', 'the data port (default: 8080)', port('--port'))
    .option(
      '--tls-cert <file>',
      'TLS on the data port, HTTP/1.1 and HTTP/2: a PEM file with the certificate and its chain',
    )
    .option('--tls-key <file>', 'a PEM file with its private key')
    .option('--admin-port <n>', 'health, metrics, control (default: 9090)', port('--admin-port'))
    .option(
      '--admin-host <address>',
      'address of the admin port; others than loopback need a token (default: 127.0.0.1)',
      text('--admin-host', ADDRESS),
    )
    .addOption(new Option('--preset <name>', 'a set of limits').choices([...PRESET_NAMES]))
    .option('--max-concurrent <n>', 'in progress at once', count('--max-concurrent', 1))
    .option('--queue <n>', 'waiting at once', count('--queue', 0))
    .option('--wait-timeout <duration>', 'the longest anybody waits, like 3s', durationArgument({ max: 86_400_000 }))
    .option(
      '--reject-threshold <n>',
      'in progress and waiting, at which everybody is refused',
      count('--reject-threshold', 1),
    )
    .option('--no-gate', 'let everybody in')
    .option(
      '--workers <n>',
      'processes that share the data port and its limits, with one admin port for all of them',
      reading((text) => countOf('--workers', text, 1, 256)),
    )
    .option('--redis <url>', 'where limits of scope fleet are kept', text('--redis', REDIS_URL))
    .addOption(
      new Option(
        '--on-down <policy>',
        'shares the limit among all gateways on --redis, and says what decides while Redis is gone',
      ).choices(['share', 'open', 'closed']),
    )
    .option('--dry-run', 'decide and count, and let everybody in')
    .option('--headers-timeout <duration>', 'for the upstream to begin its answer (default: 60s)', duration)
    .option('--drain-timeout <duration>', 'for what is in progress to end after SIGTERM (default: 30s)', duration)
    .addOption(
      new Option('--host-header <whose>', 'the host the upstream sees (default: client)').choices([
        'client',
        'upstream',
      ]),
    )
    .option('--trust-forwarded', 'believe the x-forwarded headers of all clients: only behind a proxy of your own')
}

function readAs<T>(kind: Kind<T>, name: string, text: string): T {
  const value = kind.read(text)
  if (value === undefined) throw new ConfigError(name, text, kind.expected)
  return value
}

/** The flags as settings: only what was said. */
export function settingsOf(flags: RunFlags): GatewaySettings {
  const { upstream, gate, queue: queueCapacity, workers: _workers, ...rest } = flags
  const all = {
    ...rest,
    upstream: upstream?.[0]?.origin,
    servers: upstream === undefined || upstream.length < 2 ? undefined : upstream.map(({ origin }) => origin),
    queueCapacity,
    // Left out, the environment decides.
    enabled: gate ? undefined : false,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
