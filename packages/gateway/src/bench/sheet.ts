import { describePlan } from '../config/index.ts'
import type { BenchResult, Progress, ScenarioResult } from './bench.ts'
import { FULL, GATE, LIMIT, PAGE, PATIENCE, POOL, THINK, WORK } from './setting.ts'

/** Where it is written. */
export type Print = (text: string) => void

export interface SheetOptions {
  /** Colours. */
  readonly colour: boolean
  /** Draws the progress, over itself; nothing where there is no terminal. */
  readonly progress: Print | undefined
  /** Characters in a line of it. Default 80. */
  readonly columns?: number
}

/** The text face of the bench: what is done, how far it is, what came of it and why. */
export class Sheet {
  readonly #print: Print
  readonly #options: SheetOptions

  constructor(print: Print, options: SheetOptions) {
    this.#print = print
    this.#options = options
  }

  opening(url: string | undefined, page: number): void {
    for (const line of opening(url, page)) this.#print(`${line}\n`)
    this.#print('\n')
  }

  progress({ scenario, protected: guarded, at, of, users, served, rejected, queued }: Progress): void {
    const seconds = `${Math.round(Math.min(at, of) / 1000)}/${Math.round(of / 1000)}s`
    const waiting = queued === undefined ? '' : `, ${queued} wait`
    const line = `${scenario}${guarded ? '' : ' without a gate'} ${seconds}: ${users} users, ${served}/s served, ${rejected}/s refused${waiting}`
    this.#options.progress?.(`\r\u001B[2K${line.slice(0, (this.#options.columns || 80) - 1)}`)
  }

  closeProgress(): void {
    this.#options.progress?.('\r\u001B[2K')
  }

  result({ scenarios, passed }: BenchResult): void {
    const widest = Math.max(0, ...scenarios.flatMap(({ checks }) => checks.map(({ name }) => name.length)))
    for (const each of scenarios) {
      this.#print(`${this.#mark(each.passed)}  ${each.name}: ${each.load}\n`)
      for (const { name, passed: held, detail } of each.checks)
        this.#print(`  ${this.#mark(held)}  ${name.padEnd(widest)}  ${detail}\n`)
      for (const line of remarks(each)) this.#print(`  ${line}\n`)
      this.#print('\n')
    }
    const held = scenarios.filter((each) => each.passed).length
    this.#print(`bench: ${this.#mark(passed)} (${held} of ${scenarios.length})\n`)
  }

  #mark(passed: boolean): string {
    const word = passed ? 'PASS' : 'FAIL'
    return this.#options.colour ? `\u001B[${passed ? 32 : 31}m${word}\u001B[39m` : word
  }
}

/** What is done, and how the requirement is read. */
export function opening(url: string | undefined, page: number): readonly string[] {
  const [least, longest] = THINK
  const manners =
    `A user sends ${page === 1 ? 'a request' : `${page} requests at once`}, waits for ${page === 1 ? 'the answer' : 'all answers'}, ` +
    `thinks ${least / 1000} to ${longest / 1000} s, and comes again; after ${PATIENCE / 1000} s without an answer it asks anew.`
  if (url !== undefined) return [`Target: ${url}.`, manners]
  const capacity = (LIMIT / WORK) * 1000
  return [
    `Built-in service: a pool of ${POOL}, ${WORK} ms of work, an endless queue behind. Gate: ${describePlan(GATE)} (sluice size --pool ${POOL}; staging).`,
    manners,
    ...(page === PAGE
      ? [
          `So ${FULL} users fill the gate (${capacity.toLocaleString('en-US')}/s): 70 are normal, 120 a little too many, 200 twice as many, 500 five times.`,
        ]
      : [`At ${page} a visit, ${Math.round((capacity * (least + longest)) / 2000 / page)} users fill the gate.`]),
  ]
}

/** What is worth saying beside the verdict. */
export function remarks({ busy, without }: ScenarioResult): readonly string[] {
  const lines: string[] = []
  if (without !== undefined) {
    const { served, rejected, timeouts, rate, latency } = without.figures
    const worst = Math.max(...without.series.map(({ p95 = 0 }) => p95))
    const failed = without.checks.filter(({ passed }) => !passed).map(({ name }) => name)
    lines.push(
      `without the gate: ${Math.round(rate)}/s served, ${rejected} refused, ${timeouts} losses of patience to ${served} answers, ` +
        `p95 ${Math.round(latency.p95)} ms, at worst ${Math.round(worst)} ms; ` +
        (failed.length === 0 ? 'would pass, too' : `would fail: ${failed.join(', ')}`),
    )
  }
  if (busy) lines.push('NOTE  this machine was too busy to measure well: run it again with nothing else to do')
  return lines
}
