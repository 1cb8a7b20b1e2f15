import type { DemoResult, DemoSecond } from './demo.ts'
import type { Plan } from './plan.ts'

/** How the demo is written down. */
export interface ScreenOptions {
  /** Draws the live line over itself; else one line a second. */
  readonly redraw: boolean
  /** Colours. */
  readonly colour: boolean
  /** Characters in a line that is drawn over. Default 80. */
  readonly columns?: number
}

/** Where it is written. */
export type Print = (text: string) => void

/** The text face of the demo: an opening, a line a second, a verdict. */
export class Screen {
  readonly #print: Print
  readonly #options: ScreenOptions
  #drawn = false

  constructor(print: Print, options: ScreenOptions) {
    this.#print = print
    this.#options = options
  }

  opening({ slots, service, capacity, phases }: Plan): void {
    const seconds = Math.round(phases.reduce((total, { duration }) => total + duration, 0) / 1000)
    this.#print(
      `Two equal upstreams, each ${slots} slots of ${service} ms (${capacity}/s) with an endless queue behind.\n` +
        `One has a Sluice gate in front. Both are offered 0.8x, then 3x, then 0.8x of that for ${seconds} s.\n\n`,
    )
  }

  /** Where it can be looked at. */
  page(url: string): void {
    this.#print(`Look at it: ${url}\n\n`)
  }

  second(second: DemoSecond, capacity: number): void {
    const line = lineOf(second, capacity)
    if (!this.#options.redraw) {
      this.#print(`${line}\n`)
      return
    }
    this.#drawn = true
    // A line longer than the terminal would wrap and could not be drawn over.
    this.#print(`\r\u001B[2K${line.slice(0, (this.#options.columns ?? 80) - 1)}`)
  }

  /** Leaves the live line standing. */
  closeLine(): void {
    if (this.#drawn) this.#print('\n')
    this.#drawn = false
  }

  verdict(result: DemoResult): void {
    this.closeLine()
    const { verdict, passed, withGate, withoutGate } = result
    const widest = Math.max(...verdict.map(({ name }) => name.length))
    let text = '\n'
    for (const check of verdict) text += `${this.#mark(check.passed)}  ${check.name.padEnd(widest)}  ${check.detail}\n`
    const late = Math.max(...[...withGate.phases, ...withoutGate.phases].map(({ late, offered }) => late / offered))
    if (late > 0.02)
      text += `NOTE  up to ${Math.round(late * 100)} % of a phase was sent over 20 ms late: this machine is too busy to measure well\n`
    const held = verdict.filter((check) => check.passed).length
    this.#print(`${text}\nverdict: ${this.#mark(passed)} (${held} of ${verdict.length})\n`)
  }

  #mark(passed: boolean): string {
    const word = passed ? 'PASS' : 'FAIL'
    return this.#options.colour ? `\u001B[${passed ? 32 : 31}m${word}\u001B[39m` : word
  }
}

function lineOf({ withGate, withoutGate, limit, queued, backlog }: DemoSecond, capacity: number): string {
  const { at, phase } = withGate
  const left = [
    `${String(at).padStart(3)}s`,
    `${(phase.rate / capacity).toFixed(1)}x`,
    `${String(withGate.offered).padStart(4)}/s`,
  ]
  const gate = `good ${pad(withGate.good, 4)}  p99 ${pad(withGate.p99, 4)} ms  refused ${pad(withGate.rejected, 4)}  limit ${pad(limit, 3)}  queue ${pad(queued, 3)}`
  const none = `good ${pad(withoutGate.good, 4)}  p99 ${pad(withoutGate.p99, 4)} ms  given up ${pad(withoutGate.timeouts, 4)}  backlog ${pad(backlog, 5)}`
  return `${left.join('  ')}  | gate: ${gate}  | none: ${none}`
}

function pad(value: number, width: number): string {
  return String(Math.round(value)).padStart(width)
}
