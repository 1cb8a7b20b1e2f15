import { checkScenario, type Scenario } from 'sluice/sim'
import { boundedText, InputError, yamlDocument, type YamlDocument } from '../yaml/index.ts'

const LARGEST = 1024 * 1024
/** Points of the series, of which each is kept. */
const MOST_POINTS = 100_000

/** A scenario, and how to say where in its file something is wrong. */
export interface ScenarioFile {
  readonly scenario: Scenario
  /** Makes a message that begins with the path of a field begin with the file, line and column of it; others stay. */
  readonly located: (error: unknown) => unknown
}

/** Reads a scenario of at most 1 MiB. @throws InputError naming file, line and field */
export async function readScenario(path: string): Promise<ScenarioFile> {
  return scenarioOf(path, await boundedText(path, LARGEST))
}

/** The same for a text. @throws InputError naming file, line and field */
export function scenarioOf(name: string, text: string): ScenarioFile {
  const document = yamlDocument(name, text)
  const located = (error: unknown): unknown => locate(document, error)
  try {
    const scenario = checkScenario(document.data)
    const { load, every = 1000 } = scenario
    const duration = scenario.duration ?? load.phases.reduce((sum, { lasts }) => sum + lasts, 0)
    if (duration / every > MOST_POINTS)
      throw new RangeError(
        `every: expected at least ${Math.ceil(duration / MOST_POINTS)} for a run of ${duration} ms (${MOST_POINTS} points at most), got ${every}`,
      )
    return { scenario, located }
  } catch (error) {
    throw located(error)
  }
}

/** What checks a field names it first, as in `plant.slots: expected …`. */
function locate({ data, placeOf }: YamlDocument, error: unknown): unknown {
  if (!(error instanceof RangeError)) return error
  const [, path] = /^([\s\S]+?): expected /.exec(error.message) ?? []
  return path === undefined ? error : new InputError(`${placeOf(inGate(data, path))}: ${error.message}`)
}

/** Limits and queues check their options themselves, and call them `aimd.backoff`, wherever they stand. */
function inGate(data: unknown, path: string): string {
  const { gate } = (data ?? {}) as { gate?: { limit?: { name?: unknown }; queue?: { name?: unknown } } | null }
  const dot = path.indexOf('.')
  const owner = path.slice(0, Math.max(0, dot))
  if (owner !== '' && gate?.limit?.name === owner) return `gate.limit${path.slice(dot)}`
  return owner !== '' && gate?.queue?.name === owner ? `gate.queue${path.slice(dot)}` : path
}
