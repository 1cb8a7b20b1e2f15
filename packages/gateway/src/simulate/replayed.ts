import type { Millis } from 'sluice'
import type { PlantData, Scenario } from 'sluice/sim'
import type { Replay } from './replay.ts'

/** Points of the series of a long log. */
const POINTS = 3600

/**
 * A scenario with the arrivals of a log instead of its own load.
 * @param measured whether what the log says of durations is the service time, where plant and log allow
 */
export function replayed(scenario: Scenario, { trace, durations }: Replay, measured: boolean): Scenario {
  const { duration: _unused, plant, every: asked, ...rest } = scenario
  const last = trace.at(-1)!.at
  const every: Millis = Math.max(asked ?? 1000, Math.ceil(last / POINTS / 1000) * 1000)
  const lasts = Math.max(1, Math.ceil((last + 1) / every)) * every
  return {
    ...rest,
    every,
    plant: measured && takesService(plant) && durations.length > 0 ? withService(plant, durations) : plant,
    load: { phases: [{ name: 'replay', lasts }], trace },
  }
}

/** Whether durations of a log can be the service time of this plant: whether there is only one. */
export function takesService(plant: PlantData): boolean {
  return plant.kind === 'workers' || plant.kind === 'dependency'
}

function withService(plant: PlantData, values: readonly Millis[]): PlantData {
  const service = { kind: 'sampled', values } as const
  if (plant.kind === 'workers') return { ...plant, service }
  return plant.kind === 'dependency' ? { ...plant, delay: service } : plant
}
