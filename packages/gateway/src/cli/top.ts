import { setTimeout as pause } from 'node:timers/promises'
import { Option, type Command } from 'commander'
import type { Millis } from 'sluice'
import { frame, readSnapshot, SnapshotError, terminalSize } from '../top/index.ts'
import { durationArgument } from './duration.ts'
import { reading } from './reading.ts'
import { targetUrl } from './target-url.ts'

interface TopFlags {
  readonly token?: string
  readonly every: Millis
  readonly once: boolean
  readonly json: boolean
}

const EXAMPLE = `
Examples:
  $ sluice top
  $ sluice top http://127.0.0.1:9090 --once
  $ sluice top --json | jq .state

Without a terminal, and with --once, it prints one picture and ends. Ctrl-C ends it.`

/** `sluice top`: the page of a gateway, in a terminal. */
export function topCommand(program: Command): void {
  program
    .command('top')
    .description('watch a gateway in the terminal')
    .argument(
      '[url]',
      'its admin port',
      reading((text) => targetUrl('url', text)),
      new URL('http://127.0.0.1:9090'),
    )
    .addOption(new Option('--token <token>', 'its admin token').env('SLUICE_ADMIN_TOKEN'))
    .addOption(
      new Option('--every <duration>', 'how often it looks')
        .argParser(durationArgument({ min: 100, max: 60_000 }))
        .default(1000, '1s'),
    )
    .option('--once', 'one picture, and the end', false)
    .option('--json', 'the snapshot as JSON, and the end', false)
    .addHelpText('after', EXAMPLE)
    .action(top)
}

const [HOME, CLEAR_BELOW, HIDE, SHOW] = ['\u001B[H', '\u001B[J', '\u001B[?25l', '\u001B[?25h'] as const
const CLEAR_LINE_END = '\u001B[K'

async function top(admin: URL, { token, every, once, json }: TopFlags): Promise<void> {
  const { stdout } = process
  const colour = stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
  const draw = stdout.isTTY && !once && !json
  const read = async (): Promise<string> => {
    const snapshot = await readSnapshot(admin, token)
    return json ? JSON.stringify(snapshot) : frame(snapshot, { ...terminalSize(stdout), colour })
  }
  try {
    if (!draw) {
      stdout.write(`${await read()}\n`)
      return
    }
    const stop = new AbortController()
    process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort())
    stdout.write(HIDE)
    while (!stop.signal.aborted) {
      // One that does not answer may come back.
      const text = await read().catch((error: unknown) => {
        if (error instanceof SnapshotError) return error.message
        throw error
      })
      stdout.write(`${HOME}${text.replaceAll('\n', `${CLEAR_LINE_END}\n`)}${CLEAR_LINE_END}${CLEAR_BELOW}`)
      await pause(every, undefined, { signal: stop.signal }).catch(() => undefined)
    }
    stdout.write('\n')
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error
    // Nothing is wrong with how it was asked.
    process.stderr.write(`sluice: ${error.message}\n`)
    process.exitCode = 1
  } finally {
    if (draw) stdout.write(SHOW)
  }
}
