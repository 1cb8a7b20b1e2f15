import type { Millis } from '../../ground/index.ts'
import type { BudgetHeaders, BudgetName, Profile } from '../profile.ts'
import { readGoDuration } from './go-duration.ts'
import { readInstant } from './rfc3339.ts'
import type { HeaderOf } from './told-error.ts'

/** What a response tells about one limit. At least one of `limit` and `remaining` is there. */
export interface ToldBudget {
  readonly limit: number | undefined
  readonly remaining: number | undefined
  /** In how many ms it is full again. */
  readonly full: Millis | undefined
  /** `remaining` is a multiple of so many, and may be off by half of that. */
  readonly rounded: number
}

/** Nothing fills up for longer: what says so is a mistake. */
const LONGEST: Millis = 31 * 86_400_000
/** OpenAI tells the limit of the project beside that of the organization; the tighter one holds. */
const PROJECT = /-(tokens|requests)$/

/**
 * What the headers of a response tell about each limit of a profile. Figures that cannot be (-1, a limit of 0, text) are as
 * if they were not there, as Azure sends them.
 * @param now the wall clock in ms since 1970, for instants where the response carries no date of its own
 */
export function toldBudgets(
  header: HeaderOf,
  budgets: Profile['budgets'],
  now: number,
): Partial<Record<BudgetName, ToldBudget>> {
  const told: Partial<Record<BudgetName, ToldBudget>> = {}
  for (const name in budgets) {
    const names = budgets[name as BudgetName]?.headers
    if (names === undefined) continue
    const found = tighter(read(header, names, now), project(header, names, now))
    if (found !== undefined) told[name as BudgetName] = found
  }
  return told
}

function project(header: HeaderOf, names: BudgetHeaders, now: number): ToldBudget | undefined {
  if (!names.remaining.startsWith('x-ratelimit-') || !PROJECT.test(names.remaining)) return undefined
  const of = (name: string): string => name.replace(PROJECT, '-project-$1')
  return read(header, { ...names, limit: of(names.limit), remaining: of(names.remaining), reset: of(names.reset) }, now)
}

function tighter(one: ToldBudget | undefined, other: ToldBudget | undefined): ToldBudget | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return (other.remaining ?? Infinity) < (one.remaining ?? Infinity) ? other : one
}

function read(header: HeaderOf, names: BudgetHeaders, now: number): ToldBudget | undefined {
  const limit = figure(header(names.limit))
  const remaining = figure(header(names.remaining))
  const absurd = limit === 0 || header(names.limit)?.startsWith('-') === true
  // A remainder of 0 beside a limit that cannot be says nothing: it is what Azure sends where it does not know.
  if (absurd || (limit === undefined && remaining === undefined)) return undefined
  return { limit, remaining, full: resetOf(header(names.reset), header, now), rounded: names.rounded ?? 1 }
}

function figure(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}(?:\.\d{1,6})?$/.test(text) ? Number(text) : undefined
}

function resetOf(text: string | undefined, header: HeaderOf, now: number): Millis | undefined {
  if (text === undefined) return undefined
  const span = readGoDuration(text)
  if (span !== undefined) return span <= LONGEST ? span : undefined
  const instant = readInstant(text)
  if (instant === undefined) return undefined
  const date = header('date')
  const told = date === undefined || date.length > 40 ? Number.NaN : Date.parse(date)
  const left = instant - (Number.isNaN(told) ? now : told)
  return left <= LONGEST ? Math.max(0, left) : undefined
}
