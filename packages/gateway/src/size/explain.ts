import type { Bound, BoundName, Sizing } from './size.ts'

const NAMES: Readonly<Record<BoundName, string>> = {
  pool: 'the pool',
  cpu: 'the CPU (workers and their tasks)',
  memory: 'the memory',
  demand: 'the traffic itself',
}

/** A sizing in words and a small table: which bound is the tightest, by how much, and what that means for the traffic. */
export function explainSize(sizing: Sizing): string {
  const { limit, bounds } = sizing
  const lines = [`at most ${count(limit)} at once: ${why(bounds)}`, '']
  const widest = Math.max(...bounds.map(({ limit: each }) => count(each).length))
  for (const { name, limit: each, formula } of bounds)
    lines.push(`  ${name.padEnd(6)}  ${count(each).padStart(widest)}  ${formula}`)
  const said = [...demandWords(sizing), ...patienceWords(sizing)]
  if (said.length > 0) lines.push('', ...said)
  return `${lines.join('\n')}\n`
}

function why([tightest, next]: readonly Bound[]): string {
  const name = NAMES[tightest!.name]
  if (next === undefined) return `${name} decides, nothing else is known`
  const rest = next.limit - tightest!.limit
  if (rest === 0) return `${name} and ${NAMES[next.name]} are equally tight`
  return `${name} binds, ${count(rest)} below the next, ${NAMES[next.name]}`
}

function demandWords({ demand, bounds }: Sizing): readonly string[] {
  if (demand === undefined) return []
  const { busy, needed, most, short } = demand
  const law = `Little's law: the traffic keeps ${count(busy)} busy on average, ${count(needed)} with a fifth in reserve`
  if (!short) {
    const next = bounds.find(({ name }) => name !== 'demand')
    const spare = next === undefined ? '' : `; there is room for ${count(next.limit)}`
    return [`${law}${spare}. It fits.`]
  }
  const limit = bounds[0]!.limit
  if (limit >= busy)
    return [
      `${law}. ${count(limit)} are ${count(needed - limit)} fewer than that: the average fits (up to ${count(most)}/s), the reserve does not; peaks will wait.`,
    ]
  return [
    `${law}. Demand exceeds capacity: ${count(limit)} at once serve ${count(most)}/s at most, so ${count((1 - limit / busy) * 100)} % must be refused, or ${NAMES[bounds[0]!.name]} must grow.`,
  ]
}

function patienceWords({ patience, limit }: Sizing): readonly string[] {
  if (patience === undefined) return []
  const { wait, queue } = patience
  if (wait === 0) return ['The p95 target is no longer than the work itself: no limit can keep it, only faster work.']
  return [
    `The p95 target leaves ${count(wait)} ms for waiting: at ${count(limit)} at once, let at most ${count(queue)} wait.`,
  ]
}

function count(value: number): string {
  return value.toLocaleString('en-US', value < 10 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 0 })
}
