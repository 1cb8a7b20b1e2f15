import type { Millis } from 'sluice'

/** How much is let in, as requirement S3.2 has it. */
export interface Preset {
  /** In progress at once. */
  readonly maxConcurrent: number
  /** Waiting at once. */
  readonly queueCapacity: number
  /** The longest anybody waits, in ms. */
  readonly waitTimeout: Millis
  /** In progress and waiting together, at which everybody is refused. */
  readonly rejectThreshold: number
}

export type PresetName = 'development' | 'staging' | 'production'

/** S3.2. The lanes of `production` are not among these numbers. */
export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  development: { maxConcurrent: 20, queueCapacity: 100, waitTimeout: 10_000, rejectThreshold: 120 },
  staging: { maxConcurrent: 80, queueCapacity: 500, waitTimeout: 5000, rejectThreshold: 580 },
  production: { maxConcurrent: 100, queueCapacity: 1000, waitTimeout: 3000, rejectThreshold: 1100 },
}

export const PRESET_NAMES = Object.keys(PRESETS) as readonly PresetName[]
