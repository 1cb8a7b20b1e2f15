import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Option, type Command } from 'commander'
import type { Millis } from 'sluice'
import { runDemo } from '../demo/demo.ts'
import { plan, SHORTEST_DEMO } from '../demo/plan.ts'
import { demoReport } from '../demo/report.ts'
import { Screen } from '../demo/screen.ts'
import { reportPage } from '../report/index.ts'
import { durationArgument } from './duration.ts'
import { tryReportFile } from './report-file.ts'

interface DemoFlags {
  readonly for: Millis
  readonly headless: boolean
  readonly json: boolean
  readonly report?: string
}

const LONGEST_DEMO: Millis = 3_600_000

const EXAMPLE = `
Example:
  $ sluice demo --for 20s --headless

The page it prints the address of shows both sides live, with sliders for the load and the upstream; once one is moved,
it goes on by hand until Ctrl-C and judges nothing. --headless has no page.
Exits 0 when every line of the verdict passes, 1 when one fails, 130 on Ctrl-C.`

/** `sluice demo`: overload, seen with and without a gate. */
export function demoCommand(program: Command): void {
  program
    .command('demo')
    .description('overload an upstream twice, behind a gate and without one, and judge what came of it')
    .addOption(
      new Option('--for <duration>', 'how long load is offered, at least 10s')
        .default(60_000, '60s')
        .argParser(durationArgument({ min: SHORTEST_DEMO, max: LONGEST_DEMO })),
    )
    .option('--headless', 'one plain line a second, for logs', false)
    .option(
      '--report <file>',
      'where the report goes, as one HTML file; without it: a folder for such things, and not with --headless or --json',
    )
    .option('--json', 'print the verdict and the figures as JSON, and nothing else', false)
    .addHelpText('after', EXAMPLE)
    .action(demo)
}

async function demo(flags: DemoFlags, command: Command): Promise<void> {
  await tryReportFile(flags.report, command)
  const print = (text: string): void => {
    process.stdout.write(text)
  }
  const redraw = process.stdout.isTTY && !flags.headless
  const colour = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
  const screen = new Screen(print, { redraw, colour, columns: process.stdout.columns })
  const { capacity } = plan(flags.for)
  const stop = new AbortController()
  let signalled: NodeJS.Signals | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    signalled = signal
    stop.abort()
  }
  // A second Ctrl-C meets nobody and ends everything at once.
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  try {
    if (!flags.json) screen.opening(plan(flags.for))
    const result = await runDemo({
      duration: flags.for,
      signal: stop.signal,
      ...(!flags.json && !flags.headless && { onPage: (url) => screen.page(url) }),
      ...(!flags.json && { onSecond: (second) => screen.second(second, capacity) }),
    })
    if (result.stopped) {
      screen.closeLine()
      process.exitCode = signalled === 'SIGTERM' ? 143 : 130
      return
    }
    const kept = flags.headless || flags.json ? undefined : join(tmpdir(), `sluice-demo-${process.pid}.html`)
    const file = flags.report ?? kept
    if (file !== undefined) writeFileSync(file, reportPage(demoReport(result)))
    if (flags.json) print(`${JSON.stringify(result, undefined, 2)}\n`)
    else {
      screen.verdict(result)
      if (file !== undefined) print(`report:  ${file}\n`)
      print('to keep: sluice run --upstream http://127.0.0.1:3000\n')
    }
    process.exitCode = result.passed ? 0 : 1
  } catch (error) {
    screen.closeLine()
    command.error(`error: the demo could not run: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}
