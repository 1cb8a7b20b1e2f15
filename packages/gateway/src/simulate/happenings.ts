import type { Instant } from 'sluice'
import type { ChangeData, Scenario, SimReport } from 'sluice/sim'
import { amount, moment, percent, time } from './wording.ts'

/** Something worth telling, and when it was. */
export interface Happening {
  readonly at: Instant
  readonly what: string
}

/** Below this share of what was possible, and for at least so many points, something is wrong. */
const POOR = 0.5
const POINTS = 2
/** Few arrivals say little. */
const FEW = 5
/** The worst ones; more is noise. */
const MOST = 5

/** What was done to the service: phases of the load, changes of the plant. In order. */
export function planned({ load, changes = [] }: Scenario): readonly Happening[] {
  const happenings: Happening[] = []
  let at = 0
  for (const { name, lasts } of load.phases) {
    if (load.phases.length > 1) happenings.push({ at, what: `${name ?? 'next phase'} begins` })
    at += lasts
  }
  for (const change of changes) {
    happenings.push({ at: change.at, what: described(change) })
    if (change.lasts !== undefined)
      happenings.push({ at: change.at + change.lasts, what: `undone: ${described(change)}` })
  }
  return happenings.sort((one, other) => one.at - other.at)
}

function described({ slots, slowdown, wait, tier, instance }: ChangeData): string {
  const where = [tier === undefined ? '' : ` of tier ${tier}`, instance === undefined ? '' : ` of instance ${instance}`]
  const parts = [
    ...(slots === undefined ? [] : [`${slots} slots`]),
    ...(slowdown === undefined ? [] : [`everything takes ${amount(slowdown)} times as long`]),
    ...(wait === undefined ? [] : [`waits are ${amount(wait)} times as long`]),
  ]
  return `the plant${where.join('')}: ${parts.join(', ')}`
}

/** When less than half of what was possible became good answers: the worst such times, in order. */
export function troughs({ series: { every, points } }: SimReport): readonly Happening[] {
  const found: { from: number; to: number; good: number; could: number; p99: number }[] = []
  let open: (typeof found)[number] | undefined
  for (const { at, offered, good, capacity, p99 } of points) {
    const could = Math.min(offered, capacity === null ? Infinity : (capacity * every) / 1000)
    if (could < FEW || good >= POOR * could) {
      open = undefined
      continue
    }
    if (open === undefined) found.push((open = { from: at - every, to: at, good: 0, could: 0, p99: 0 }))
    open.to = at
    open.good += good
    open.could += could
    open.p99 = Math.max(open.p99, p99)
  }
  return found
    .filter(({ from, to }) => to - from >= POINTS * every)
    .sort((one, other) => other.could - other.good - (one.could - one.good))
    .slice(0, MOST)
    .sort((one, other) => one.from - other.from)
    .map(({ from, to, good, could, p99 }) => ({
      at: from,
      what: `until ${moment(to)} only ${percent(good / could)} of what was possible was good (p99 up to ${time(p99)})`,
    }))
}
