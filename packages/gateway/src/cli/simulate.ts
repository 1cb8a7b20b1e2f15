import { writeFile } from 'node:fs/promises'
import { Option, type Command } from 'commander'
import { ConfigError, countOf } from '../config/index.ts'
import { reportPage } from '../report/index.ts'
import {
  compare,
  InputError,
  limitChoice,
  readReplay,
  readScenario,
  replayed,
  sheet,
  simulationReport,
  takesService,
  type Comparison,
  type Progress,
} from '../simulate/index.ts'
import { reading } from './reading.ts'
import { tryReportFile } from './report-file.ts'

interface SimulateFlags {
  readonly limit: readonly string[]
  readonly seed?: number
  readonly replay?: string
  readonly speed?: number
  readonly tenant?: string
  readonly service?: 'log' | 'scenario'
  readonly report?: string
  readonly json: boolean
}

/** As many as a chart tells apart. */
const MOST_LIMITS = 6

const HELP = `
Examples:
  $ sluice simulate examples/scenarios/spike.yaml
  $ sluice simulate examples/scenarios/spike.yaml --limit adaptive --limit fixed:20 --limit none --report spike.html
  $ sluice simulate examples/scenarios/spike.yaml --replay access.log --speed 2
  $ zcat access.log.gz | sluice simulate service.yaml --replay - --tenant host --json

The gates that ship, in virtual time: minutes of overload take a second, and the same seed gives the same bytes.
--limit: adaptive, aimd, vegas, gradient2, fixed:N or none; up to ${MOST_LIMITS}, side by side, before the same arrivals.
--replay: common, combined (also with a duration at the end) or JSON lines with time, ts or timestamp; - is standard input.
The log takes the place of the scenario's load; its durations, where it has them, that of the service time of a plant of
kind workers or dependency, unless --service scenario says otherwise. They are as long as they were: with their waiting.
Exits 0; 2 with one line for bad usage, a bad scenario or a log without arrivals.`

/** `sluice simulate`: scenarios and access logs against the gates that ship, in virtual time. */
export function simulateCommand(program: Command): void {
  program
    .command('simulate')
    .description('try a gate on a simulated service, with made or recorded load, in virtual time')
    .argument('<scenario>', 'a YAML file')
    .addOption(
      new Option('--limit <name>', 'another limit than that of the scenario; several are compared')
        .default([], 'that of the scenario')
        .argParser((text, before: readonly string[]) => [...before, reading(limitChoice)(text)]),
    )
    .option(
      '--seed <n>',
      'of all chance (default: that of the scenario, or 1)',
      reading((text) => countOf('--seed', text, 0, 2 ** 32 - 1)),
    )
    .option('--json', 'print the results as JSON, and nothing else', false)
    .option('--report <file>', 'write a page with charts')
    .option('--replay <log>', 'arrivals of an access log instead of the load of the scenario')
    .option('--speed <n>', 'replay so many times as fast (default: 1)', reading(speedOf))
    .option(
      '--tenant <field>',
      'what tells tenants apart in the log: a field of JSON lines; host or user of the others',
    )
    .addOption(
      new Option('--service <from>', 'service times with --replay (default: log)').choices(['log', 'scenario']),
    )
    .addHelpText('after', HELP)
    .action(run)
}

function speedOf(text: string): number {
  const speed = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : NaN
  if (!(speed >= 0.001 && speed <= 1000)) throw new ConfigError('--speed', text, 'a number from 0.001 to 1000, like 2')
  return speed
}

async function run(path: string, flags: SimulateFlags, command: Command): Promise<void> {
  const fail = (message: string): never => command.error(message, { exitCode: 2 })
  const { limit, report, json, replay, speed, tenant, service } = flags
  if (new Set(limit).size > MOST_LIMITS) fail(`--limit is there ${limit.length} times; expected at most ${MOST_LIMITS}`)
  if (replay === undefined)
    for (const [name, value] of Object.entries({ speed, tenant, service }))
      if (value !== undefined) fail(`--${name} is for --replay, which is missing`)
  await tryReportFile(report, command)
  try {
    const comparison = await simulated(path, flags)
    if (report !== undefined) await writeFile(report, reportPage(simulationReport(comparison)))
    const strong = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
    if (!json) process.stdout.write(sheet(comparison, strong ? (text) => `\u001B[1m${text}\u001B[22m` : undefined))
    else {
      const { scenario, ...rest } = comparison
      process.stdout.write(`${JSON.stringify({ scenario: scenario.name, ...rest }, undefined, 2)}\n`)
    }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    fail(error.message)
  }
}

async function simulated(path: string, flags: SimulateFlags): Promise<Comparison> {
  const { limit: limits, seed, replay: log, speed, tenant, service } = flags
  const { scenario, located } = await readScenario(path)
  const replay =
    log === undefined
      ? undefined
      : await readReplay(log, {
          ...(speed !== undefined && { speed }),
          ...(tenant !== undefined && { tenant }),
          ...(seed !== undefined && { seed }),
        })
  if (service === 'log' && replay !== undefined) {
    if (replay.durations.length === 0) throw new InputError(`${log}: no durations, which --service log needs`)
    if (!takesService(scenario.plant))
      throw new InputError(`${path}: a plant of kind ${scenario.plant.kind}, to which --service log does not apply`)
  }
  try {
    return compare(replay === undefined ? scenario : replayed(scenario, replay, service !== 'scenario'), {
      limits,
      ...(seed !== undefined && { seed }),
      ...(replay && { replay: replay.summary }),
      ...(process.stderr.isTTY && { onProgress: progressLine() }),
    })
  } catch (error) {
    throw located(error)
  } finally {
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[2K')
  }
}

/** Over itself, and not more often than eyes can follow. */
function progressLine(): (progress: Progress) => void {
  let last = -Infinity
  return ({ limit, run: number, of, share }) => {
    const now = performance.now()
    if (now - last < 100) return
    last = now
    const text = `${limit}${of === 1 ? '' : ` (${number} of ${of})`}: ${Math.round(share * 100)} %`
    process.stderr.write(`\r\u001B[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`)
  }
}
