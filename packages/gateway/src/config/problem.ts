import { InputError } from '../yaml/index.ts'
import { masked } from './masked.ts'

/** One thing that is wrong with a configuration. */
export interface Problem {
  /** `file:line:column`; empty where it is no file that is wrong. */
  readonly place: string
  /** Like `limits.default.limit`; empty for the whole. */
  readonly field: string
  /** As it was found, shortened, secrets masked; `nothing` where there is none. */
  readonly got: string
  /** What would have been right. */
  readonly expected: string
}

/** A configuration that makes no sense, with all that is wrong with it. The message has one line for each. */
export class ConfigProblems extends Error {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(lineOf).join('\n'))
    this.name = 'ConfigProblems'
    this.problems = problems
  }
}

/** A problem in one line. */
export function lineOf({ place, field, got, expected }: Problem): string {
  const where = place === '' ? '' : `${place}: `
  const what = field === '' ? '' : `${field}: `
  return new InputError(`${where}${what}expected ${expected}, got ${got}`).message
}

const SECRETS: ReadonlySet<string | number> = new Set(['adminToken', 'key', 'secret', 'salt'])
const LONGEST = 80

/**
 * A value as a message shows it. What variables of the environment have put in is not told: it may be a secret, wherever
 * it stands.
 * @param path the fields that lead to it
 * @param written as it stands in the file
 */
export function shown(value: unknown, path: readonly (string | number)[], written: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string' && path.some((part) => SECRETS.has(part))) return '*** (a secret)'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'a table'
  const json = cut(JSON.stringify(typeof written === 'string' ? masked(written) : written) ?? typeof written)
  return Object.is(value, written) ? json : `what ${json} stands for`
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

/** `['routes', 0, 'path']` → `routes[0].path`. */
export function fieldOf(path: readonly (string | number)[]): string {
  let field = ''
  for (const part of path)
    field +=
      typeof part === 'number'
        ? `[${part}]`
        : /^[\w-]+$/.test(part)
          ? `${field === '' ? '' : '.'}${part}`
          : `[${JSON.stringify(part)}]`
  return field
}
