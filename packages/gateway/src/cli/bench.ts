import { writeFile } from 'node:fs/promises'
import { Option, type Command } from 'commander'
import type { Millis } from 'sluice'
import { benchReport, runBench, SCENARIO_NAMES, Sheet, SHORTEST, type ScenarioName } from '../bench/index.ts'
import { PAGE } from '../bench/setting.ts'
import { countOf } from '../config/index.ts'
import { reportPage } from '../report/index.ts'
import { durationArgument } from './duration.ts'
import { reading } from './reading.ts'
import { tryReportFile } from './report-file.ts'
import { forbidden, targetUrl } from './target-url.ts'

interface BenchFlags {
  readonly scenario: ScenarioName | 'all'
  readonly target?: URL
  readonly allowRemote: boolean
  readonly page?: number
  readonly for: Millis
  readonly report?: string
  readonly json: boolean
}

const LONGEST: Millis = 300_000

const HELP = `
Examples:
  $ sluice bench --scenario all
  $ sluice bench --scenario overload --for 10s --report overload.html
  $ sluice bench --scenario threshold --target http://127.0.0.1:8080/orders --page 4

Scenarios: normal, 70 users: nobody refused, waits below 10 ms, p95 below 100 ms; threshold, 120: under 5 % refused, waits
of 100 to 500 ms; overload, 200: 30 to 50 % refused, the others answered normally; spike, 0 to 500 in 10 s: refusals rise,
the queue is worked off, it recovers by itself. Users think 0.5 to 1.5 s between visits.
Without --target: a built-in service with a pool of 100 and 50 ms of work behind a gate for 80, on free loopback ports.
Overload and spike, and with --report all, are then run again without the gate for comparison.
Exits 0 when all pass, 1 when one fails, 2 for bad usage, 130 on Ctrl-C.`

/** `sluice bench`: the load scenarios of S3.11, judged. */
export function benchCommand(program: Command): void {
  program
    .command('bench')
    .description('run load scenarios with users who think, and judge what came of them')
    .addOption(new Option('--scenario <name>', 'which load').choices([...SCENARIO_NAMES, 'all']).makeOptionMandatory())
    .option(
      '--target <url>',
      'load this instead of the built-in service',
      reading((text) => targetUrl('--target', text)),
    )
    .option('--allow-remote', 'load a target that is not this machine', false)
    .option(
      '--page <n>',
      `requests a user sends at once on each visit (default: ${PAGE}, or 1 with --target)`,
      reading((text) => countOf('--page', text, 1, 1000)),
    )
    .addOption(
      new Option('--for <duration>', 'length of each scenario, at least 3s')
        .default(30_000, '30s')
        .argParser(durationArgument({ min: SHORTEST, max: LONGEST })),
    )
    .option('--report <file>', 'write a page with pictures, before and after')
    .option('--json', 'print the results as JSON, and nothing else', false)
    .addHelpText('after', HELP)
    .action(bench)
}

async function bench(flags: BenchFlags, command: Command): Promise<void> {
  const { target: url, report, json } = flags
  const refusal = url === undefined ? undefined : forbidden(url, flags.allowRemote)
  if (refusal !== undefined) command.error(refusal, { exitCode: 2 })
  await tryReportFile(report, command)
  const print = (text: string): void => {
    process.stdout.write(text)
  }
  const colour = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
  const progress = process.stderr.isTTY ? (text: string): unknown => process.stderr.write(text) : undefined
  const sheet = new Sheet(print, { colour, progress, columns: process.stderr.columns })
  const stop = new AbortController()
  let signalled: NodeJS.Signals | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    signalled = signal
    stop.abort()
  }
  // A second Ctrl-C meets nobody and ends everything at once.
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  try {
    if (!json) sheet.opening(url?.href, flags.page ?? (url === undefined ? PAGE : 1))
    const result = await runBench({
      scenarios: flags.scenario === 'all' ? SCENARIO_NAMES : [flags.scenario],
      length: flags.for,
      ...(url !== undefined && { url: url.href }),
      ...(flags.page !== undefined && { page: flags.page }),
      compare: (name) => report !== undefined || name === 'overload' || name === 'spike',
      onProgress: (each) => sheet.progress(each),
      signal: stop.signal,
    })
    sheet.closeProgress()
    if (result.stopped) {
      process.exitCode = signalled === 'SIGTERM' ? 143 : 130
      return
    }
    if (report !== undefined) await writeFile(report, reportPage(benchReport(result)))
    if (json) print(`${JSON.stringify(result, undefined, 2)}\n`)
    else sheet.result(result)
    process.exitCode = result.passed ? 0 : 1
  } catch (error) {
    sheet.closeProgress()
    throw error
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}
