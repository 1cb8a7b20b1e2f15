import type { Millis } from 'sluice'
import { ConfigError } from './config-error.ts'
import { PRESETS, type PresetName } from './presets.ts'
import { environmentSettings, type Settings } from './settings.ts'

/** Who may wait and how long. */
export interface QueuePlan {
  readonly capacity: number
  /** In ms. */
  readonly maxWait: Millis
}

/** How admission is decided, with every default filled in. Plain data. */
export type Plan =
  | { readonly kind: 'off' }
  /** The limit finds itself. Without `queue` the library's own. */
  | { readonly kind: 'adaptive'; readonly queue: QueuePlan | undefined; readonly threshold: number | undefined }
  | {
      readonly kind: 'fixed'
      readonly permits: number
      readonly queue: QueuePlan
      readonly threshold: number | undefined
    }

/** What a plan is made of, strongest first: flags, environment, file, preset, default. */
export interface PlanSources {
  readonly flags?: Settings
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly file?: Settings
  readonly preset?: PresetName | undefined
}

/** The queue before a fixed limit where nothing else is said: that of the production preset. */
const FIXED_QUEUE: QueuePlan = { capacity: 1000, maxWait: 3000 }
/** What the library's limiter has by itself, for whoever changes only half of it. */
const ADAPTIVE_QUEUE: QueuePlan = { capacity: 1000, maxWait: 1000 }

/**
 * Decides what to do from all that was said. Pure.
 * @throws ConfigError for a bad variable, and for a threshold below the limit
 */
export function plan({ flags = {}, environment = {}, file = {}, preset }: PlanSources): Plan {
  const said: Settings = { ...defined(file), ...environmentSettings(environment), ...defined(flags) }
  if (said.enabled === false) return { kind: 'off' }
  const base = preset === undefined ? undefined : PRESETS[preset]
  const permits = said.maxConcurrent ?? base?.maxConcurrent
  if (permits === undefined) {
    const { queueCapacity, waitTimeout, rejectThreshold } = said
    const queue =
      queueCapacity === undefined && waitTimeout === undefined
        ? undefined
        : { capacity: queueCapacity ?? ADAPTIVE_QUEUE.capacity, maxWait: waitTimeout ?? ADAPTIVE_QUEUE.maxWait }
    return { kind: 'adaptive', queue, threshold: rejectThreshold }
  }
  const capacity = said.queueCapacity ?? base?.queueCapacity ?? FIXED_QUEUE.capacity
  const maxWait = said.waitTimeout ?? base?.waitTimeout ?? FIXED_QUEUE.maxWait
  // Every preset's threshold is the sum of its limit and its queue; it stays so when one of them is changed.
  const threshold = said.rejectThreshold ?? (base === undefined ? undefined : permits + capacity)
  if (threshold !== undefined && threshold < permits)
    throw new ConfigError('the reject threshold', String(threshold), `at least the ${permits} that may be in progress`)
  return { kind: 'fixed', permits, queue: { capacity, maxWait }, threshold }
}

/** Without the keys whose value is missing, which would else hide what is said further down. */
function defined(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}

/** The plan in a few words, for the line that says what protects the upstream. */
export function describePlan(chosen: Plan): string {
  if (chosen.kind === 'off') return 'no gate: everybody is let in'
  const queue = chosen.queue === undefined ? '' : `, ${waiting(chosen.queue)}`
  const threshold = chosen.threshold === undefined ? '' : `, overload at ${chosen.threshold}`
  if (chosen.kind === 'adaptive') return `a limit that finds itself${queue}${threshold}`
  return `${chosen.permits} at once${queue}${threshold}`
}

function waiting({ capacity, maxWait }: QueuePlan): string {
  return capacity === 0 ? 'nobody waits' : `${capacity} may wait ${maxWait / 1000} s`
}
