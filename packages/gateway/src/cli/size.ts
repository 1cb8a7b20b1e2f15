import { Option, type Command } from 'commander'
import type { Millis } from 'sluice'
import { ConfigError } from '../config/index.ts'
import { httpTransport } from '../load/index.ts'
import {
  explainMeasurement,
  explainSize,
  measure,
  size,
  SizeError,
  type Measurement,
  type SizeInputs,
} from '../size/index.ts'
import { durationArgument } from './duration.ts'
import { reading } from './reading.ts'
import { forbidden, targetUrl } from './target-url.ts'

interface SizeFlags extends SizeInputs {
  readonly target?: URL
  readonly allowRemote: boolean
  readonly json: boolean
}

const HELP = `
Examples:
  $ sluice size --pool 100                               # 80
  $ sluice size --workers 4 --tasks 100                  # 280
  $ sluice size --ram 4000 --base 500 --per-request 1    # 2,800
  $ sluice size --rps 1500 --latency 50ms                # 90
  $ sluice size --pool 100 --workers 4 --tasks 100 --ram 4000 --base 500 --per-request 1 --rps 1500 --latency 50ms
  $ sluice size --target http://127.0.0.1:3000/orders --pool 100

The answer is the tightest of: pool x 0.8, workers x tasks x 0.7, (ram - base) / per-request x 0.8, and what the traffic
needs by Little's law, rps x latency x 1.2. --target measures: ever more users ask without a pause, a second each, until
more of them bring no more answers. Exits 0, or 2 for what makes no sense.`

/** Where a flag is spelled otherwise than its field. */
const FLAGS: Readonly<Partial<Record<keyof SizeInputs, string>>> = { perRequest: 'per-request' }

/** `sluice size`: how much to let in. Requirement S3.1. */
export function sizeCommand(program: Command): void {
  const number = (name: string) => reading((text) => numberOf(name, text))
  const time = durationArgument({ max: 86_400_000 })
  program
    .command('size')
    .description('work out how many requests a service should have in progress, and what decides it')
    .option('--pool <n>', 'connections in the pool', number('--pool'))
    .option('--workers <n>', 'processes', number('--workers'))
    .option('--tasks <n>', 'tasks each process can have in progress', number('--tasks'))
    .option('--ram <MB>', 'memory', number('--ram'))
    .option('--base <MB>', 'memory taken with nothing in progress', number('--base'))
    .option('--per-request <MB>', 'memory a request takes', number('--per-request'))
    .option('--rps <n>', 'requests a second that come', number('--rps'))
    .addOption(new Option('--latency <duration>', 'what a request takes, like 50ms').argParser(time))
    .addOption(new Option('--p95 <duration>', 'what 95 of 100 may take, waiting included').argParser(time))
    .option(
      '--target <url>',
      'measure rate and latency here, by loading it',
      reading((text) => targetUrl('--target', text)),
    )
    .option('--allow-remote', 'load a target that is not this machine', false)
    .option('--json', 'print the answer as JSON, and nothing else', false)
    .addHelpText('after', HELP)
    .action(answer)
}

function numberOf(setting: string, text: string): number {
  const number = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : NaN
  if (!Number.isFinite(number)) throw new ConfigError(setting, text, 'a number from 0, like 100')
  return number
}

async function answer({ target, allowRemote, json, ...inputs }: SizeFlags, command: Command): Promise<void> {
  const fail = (message: string): never => command.error(message, { exitCode: 2 })
  const print = (text: string): void => {
    process.stdout.write(text)
  }
  try {
    // What makes no sense should not load anybody first.
    if (target === undefined) size(inputs)
    else size(withMeasured(inputs, { rate: 1, latency: 1 }))
    const refusal = target === undefined ? undefined : forbidden(target, allowRemote)
    if (refusal !== undefined) fail(refusal)
    const measured = target === undefined ? undefined : await measuredAt(target)
    const sizing = size(measured === undefined ? inputs : withMeasured(inputs, measured))
    if (json) print(`${JSON.stringify({ ...sizing, ...(measured && { measured }) }, undefined, 2)}\n`)
    else {
      if (measured !== undefined) print(`${explainMeasurement(measured)}\n`)
      print(explainSize(sizing))
      if (measured !== undefined && inputs.rps === undefined)
        print('The traffic here is the most the target could answer; say what really comes with --rps.\n')
    }
  } catch (error) {
    if (!(error instanceof SizeError)) throw error
    fail(`--${FLAGS[error.field] ?? error.field}${error.message.slice(error.field.length)}`)
  }
}

async function measuredAt(target: URL): Promise<Measurement> {
  const transport = httpTransport({ url: target.href })
  const live = process.stderr.isTTY
  try {
    return await measure({
      transport,
      ...(live && { onStep: ({ users, rate }) => process.stderr.write(`\r${users} users: ${rate.toFixed(0)}/s  `) }),
    })
  } catch (error) {
    throw new Error(`${target.href} cannot be measured: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  } finally {
    if (live) process.stderr.write('\r\u001B[2K')
    transport.close()
  }
}

/** What was said wins: the traffic that comes may be less than the most the service can do. */
function withMeasured(inputs: SizeInputs, { rate, latency }: { rate: number; latency: Millis }): SizeInputs {
  const tidy = (value: number): number => Math.max(0.001, Math.round(value * 1000) / 1000)
  return { ...inputs, rps: inputs.rps ?? tidy(rate), latency: inputs.latency ?? tidy(latency) }
}
