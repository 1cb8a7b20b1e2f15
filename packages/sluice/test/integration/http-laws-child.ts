// Started as a child process, on each Node, by http-laws.test.ts: runs the laws on one door and reports each.
import { httpLaws } from '../../src/testing/http-laws.ts'
import { DOORS, WRONG } from './http-laws-doors.ts'
import { connect } from './loopback.ts'

/** What came of one law. */
export interface LawReport {
  readonly law: string
  /** In ms. */
  readonly took: number
  readonly error?: string
}

const THROWN = 'the handler of a law throws'
const [door = '', requests, patience, only = ''] = process.argv.slice(2)
const start = await ({ ...DOORS, ...WRONG }[door] ?? unknown())()
const laws: { readonly title: string; readonly prove: () => Promise<void> }[] = []
// A door must not let anything surface that its handler did not throw; what it did throw is the framework's affair.
process.on('uncaughtException', expected).on('unhandledRejection', expected)
process.on('disconnect', () => process.exit())
// Some frameworks log it.
const { error: log } = console
console.error = (...words: readonly unknown[]): void => {
  if (!words.some((word) => String(word).includes(THROWN))) log(...words)
}

httpLaws(
  door,
  { describe: (_name, body) => body(), it: (title, prove) => void laws.push({ title, prove }) },
  { start, connect },
  { requests: Number(requests), patience: Number(patience) },
)
for (const { title, prove } of laws.filter((law) => law.title.includes(only))) {
  const began = performance.now()
  let error: string | undefined
  try {
    await prove()
  } catch (cause) {
    error = (cause as Error).message
  }
  process.send?.({
    law: title,
    took: performance.now() - began,
    ...(error !== undefined && { error }),
  } satisfies LawReport)
}
process.disconnect()

function expected(error: Error): void {
  if (error.message === THROWN) return
  process.stderr.write(`${error.stack ?? error.message}\n`)
  process.exit(1)
}

function unknown(): never {
  throw new Error(`no door ${door}`)
}
