import { checkNumber, Rejection, type Pressure, type Signal } from '../ground/index.ts'
import { atOnce } from './at-once.ts'
import type { Caller } from './caller.ts'
import type { RefusedResponse } from './refuse.ts'

/** What is given up under pressure. Made by {@link degradation}. */
export interface Degradation<Req> {
  /** The names of the steps in force, mildest first. */
  readonly steps: readonly string[]
  /** What the caller gets instead of being served; `undefined` to go on. Asked before the gate, for every request. */
  instead(caller: Caller<Req>): Rejection | RefusedResponse | undefined
}

/** One thing that is given up. */
export interface DegradationStep<Req> {
  /** For people, metrics and refusals. */
  readonly name: string
  /** The level of pressure above which it is in force. */
  readonly above: number
  /** The level at which it is lifted, from 0 to `above`. Default: a tenth below `above`, at least 0. */
  readonly until?: number
  /** `true` refuses the request, a response answers it, `undefined` or `false` lets it go on. */
  instead(caller: Caller<Req>): boolean | RefusedResponse | undefined
}

/** Options of {@link degradation}. */
export interface DegradationOptions<Req> {
  /** What decides: `gate.pressure`, a probe, or the `worst` of several. */
  readonly pressure: Signal<Pressure>
  /** Mildest first. Default: {@link readOnly} above 0.9. */
  readonly steps?: readonly DegradationStep<Req>[]
  /** Told once whenever a step comes into force or is lifted. Must not throw. */
  readonly onChange?: (step: string, inForce: boolean, pressure: Pressure) => void
}

/**
 * Only reading is served: other methods are refused (requirement S3.12).
 * @param methods what counts as reading, in capitals. Default GET and HEAD; add OPTIONS where browsers of other origins
 * ask first, or their reads fail with the rest
 */
export function readOnly<Req>(above: number = 0.9, methods: readonly string[] = ['GET', 'HEAD']): DegradationStep<Req> {
  return { name: 'read-only', above, instead: ({ method }) => !methods.includes(method) }
}

/** Only what `lookup` finds is answered, all else refused: the last step before the door is shut (requirement S3.12). */
export function cachedOnly<Req>(
  lookup: (caller: Caller<Req>) => RefusedResponse | undefined,
  above: number = 0.95,
): DegradationStep<Req> {
  return { name: 'cached-only', above, instead: (caller) => lookup(caller) ?? true }
}

/**
 * Gives up one thing after the other while something is under pressure, and takes each back when the pressure has
 * fallen well below where it was given up. The severest step in force that has something to say about a request
 * decides.
 * @throws RangeError for a level below 0, or `until` above `above`
 */
export function degradation<Req>(options: DegradationOptions<Req>): Degradation<Req> {
  return new Steps(options)
}

interface Stair<Req> {
  readonly step: DegradationStep<Req>
  readonly until: number
  inForce: boolean
}

class Steps<Req> implements Degradation<Req> {
  readonly #options: DegradationOptions<Req>
  readonly #stairs: readonly Stair<Req>[]

  constructor(options: DegradationOptions<Req>) {
    this.#options = options
    this.#stairs = (options.steps ?? [readOnly<Req>()]).map((step, index) => {
      const above = checkNumber(`degradation.steps[${index}].above`, step.above, 0)
      const until = step.until ?? Math.max(0, above - 0.1)
      return { step, until: checkNumber(`degradation.steps[${index}].until`, until, 0, above), inForce: false }
    })
  }

  get steps(): readonly string[] {
    // Nobody may have come since the pressure fell.
    for (const stair of this.#stairs) this.#judge(stair, this.#options.pressure.value)
    return this.#stairs.filter(({ inForce }) => inForce).map(({ step }) => step.name)
  }

  instead(caller: Caller<Req>): Rejection | RefusedResponse | undefined {
    const pressure = this.#options.pressure.value
    let answer: Rejection | RefusedResponse | undefined
    for (const stair of this.#stairs) {
      this.#judge(stair, pressure)
      if (!stair.inForce) continue
      const { name, above } = stair.step
      const instead = atOnce(`degradation.${name}`, stair.step.instead(caller))
      if (instead === true) answer = new Rejection('shed', name, pressure.level, above)
      else if (instead !== undefined && instead !== false) answer = instead
    }
    return answer
  }

  #judge(stair: Stair<Req>, pressure: Pressure): void {
    const inForce = stair.inForce ? pressure.level > stair.until : pressure.level > stair.step.above
    if (inForce === stair.inForce) return
    stair.inForce = inForce
    this.#options.onChange?.(stair.step.name, inForce, pressure)
  }
}
