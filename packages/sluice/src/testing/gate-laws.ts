import type { Arrival, Permit } from '../ground/index.ts'
import type { Gate } from '../gate/index.ts'
import { GATE_LAWS, type GateTraits, type LawWorld } from './gate-law.ts'
import { GatePlay } from './gate-play.ts'
import { gateScripts, widthScripts, type GateScript } from './gate-script.ts'
import { forAll, type LawOptions, type LawRunner, type PropertyTester } from './property.ts'

export interface GateLawOptions extends LawOptions, GateTraits {
  /** False for a gate that knows no weights: then every arrival costs 1. Default true. */
  readonly weighted?: boolean
}

/** Arrivals that make no sense, by the field that must be named. */
const NONSENSE: readonly (readonly [field: string, arrival: Arrival])[] = [
  ...[-1, 0, Number.NaN, Infinity].map((cost) => ['cost', { cost }] as const),
  ...[-1, Number.NaN].map((maxWait) => ['maxWait', { maxWait }] as const),
  ['deadline', { deadline: Number.NaN }],
]

/**
 * Holds a gate to the {@link GATE_LAWS}: random scripts of arrivals, endings, cancellations and time, in virtual time.
 * A failure names the law, what led to it, and the seed.
 *
 * ```ts
 * import { describe, it } from 'node:test'
 * import { AsyncLocalStorage } from 'node:async_hooks'
 * import fc from 'fast-check'
 * import { gateLaws } from 'sluice/testing'
 *
 * gateLaws('my gate', { describe, it }, fc, (world) => myGate({ limit: 3, ...world }), {
 *   context: new AsyncLocalStorage(),
 * })
 * ```
 * @param make makes a fresh gate that takes its time and its chance from the world it is given, and from nowhere else.
 * Small limits and short queues find more: with room for everybody nothing happens
 */
export function gateLaws(
  name: string,
  runner: LawRunner,
  fc: PropertyTester,
  make: (world: LawWorld) => Gate,
  options: GateLawOptions = {},
): void {
  const { seed = 1, weighted = true } = options
  const play = async (script: GateScript): Promise<GatePlay> => {
    const played = new GatePlay(make, seed, options)
    await played.play(weighted ? script : { ...script, weighted })
    return played
  }

  runner.describe(`gate laws: ${name}`, () => {
    runner.it('laws 1 to 8 and 10 to 13 hold in whatever order things happen', () =>
      forAll(fc, options, gateScripts(fc, options), async (script) => void (await play(script))),
    )

    if (weighted)
      runner.it('they hold for wide and narrow ones that wait, give up and end', () =>
        forAll(fc, options, widthScripts(fc, options), async (script) => void (await play(script))),
      )

    runner.it(`law 9: ${GATE_LAWS[9]}`, () =>
      forAll(
        fc,
        { ...options, runs: Math.ceil((options.runs ?? 100) / 4) },
        gateScripts(fc, options),
        async (script) => {
          const [first, second] = [await play(script), await play(script)]
          const at = first.transcript.findIndex((line, index) => line !== second.transcript[index])
          if (at >= 0) throw new Error(`law 9 is broken: first ${first.transcript[at]}, then ${second.transcript[at]}`)
        },
      ),
    )

    runner.it(`law 14: ${GATE_LAWS[14]}`, async () => {
      for (const full of [false, true]) {
        const { gate, clock } = new GatePlay(make, seed, options)
        // Whether there is room or not: nonsense that is found only under load is found in production.
        if (full) for (let count = 0; count < 1000 && gate.tryEnter().admitted; count++);
        const before = JSON.stringify(gate.stats)
        for (const [field, arrival] of NONSENSE) {
          const what = `${field} ${String(arrival[field as keyof Arrival])}, ${full ? 'full' : 'with room'}`
          refuses(`tryEnter, ${what}`, field, () => gate.tryEnter(arrival))
          refuses(`enter, ${what}`, field, () => gate.enter(arrival, () => {}))
          await refusesLater(`acquire, ${what}`, field, gate.acquire(arrival))
          if (JSON.stringify(gate.stats) !== before || clock.pending > 0)
            throw new Error(`law 14 is broken (${what}): ${before} became ${JSON.stringify(gate.stats)}`)
        }
      }
    })

    runner.it(`law 15: ${GATE_LAWS[15]}`, async () => {
      const { gate } = new GatePlay(make, seed, options)
      const permits: Permit[] = []
      let heard = gate.pressure.value.level
      const subscription = gate.pressure.subscribe(({ level }) => (heard = level))
      const look = (what: string): void => {
        const { level } = gate.pressure.value
        if (level !== heard) throw new Error(`law 15 is broken (${what}): heard of ${heard}, and it is ${level}`)
      }
      for (let verdict = gate.tryEnter(); verdict.admitted && permits.length < 1000; verdict = gate.tryEnter()) {
        permits.push(verdict)
        look(`arrival ${permits.length}`)
      }
      for (const permit of permits) {
        permit.release('failure')
        look('an ending')
      }
      subscription[Symbol.dispose]()
    })
  })
}

function refuses(what: string, field: string, attempt: () => unknown): void {
  let said: unknown
  try {
    attempt()
  } catch (error) {
    said = error
  }
  judge(what, field, said)
}

async function refusesLater(what: string, field: string, attempt: Promise<unknown>): Promise<void> {
  judge(
    what,
    field,
    await attempt.then(
      () => undefined,
      (error: unknown) => error,
    ),
  )
}

function judge(what: string, field: string, said: unknown): void {
  if (!(said instanceof RangeError && said.message.includes(field)))
    throw new Error(`law 14 is broken (${what}): expected a RangeError naming ${field}, got ${String(said)}`)
}
