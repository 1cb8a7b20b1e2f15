import type { z } from 'zod'
import { boundedText, InputError, yamlDocument, type YamlDocument } from '../yaml/index.ts'
import { didYouMean } from './did-you-mean.ts'
import { interpolate } from './interpolate.ts'
import { ConfigProblems, fieldOf, shown, type Problem } from './problem.ts'
import { schema, type Config } from './schema.ts'

/** A configuration, and how to say where in its file something is wrong. */
export interface ConfigFile {
  readonly name: string
  readonly config: Config
  /** Makes a problem of a field of this file. */
  readonly problem: (path: readonly (string | number)[], expected: string) => Problem
}

export type Environment = Readonly<Record<string, string | undefined>>

/** 1 MiB: more is a mistake, or malice. */
const LARGEST = 1024 * 1024

/** Whoever merges plain data by these names changes more than the data. */
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Reads a file. @throws ConfigProblems with all that is wrong */
export async function readConfig(path: string, environment: Environment): Promise<ConfigFile> {
  return configOf(path, await textOf(path), environment)
}

async function textOf(path: string): Promise<string> {
  try {
    return await boundedText(path, LARGEST)
  } catch (error) {
    throw unreadable(error)
  }
}

/** The same for a text. @param name what the file is called @throws ConfigProblems with all that is wrong */
export function configOf(name: string, text: string, environment: Environment): ConfigFile {
  const problems: Problem[] = []
  const document = documentOf(name, text, (value, place) => {
    const read = interpolate(value, environment)
    if ('text' in read) return read.text
    const expected = /^[A-Za-z_]\w*$/.test(read.missing)
      ? `the environment variable ${read.missing} to be set, or a default as in \${${read.missing}:-…}`
      : 'a variable like ${NAME} or ${NAME:-default}'
    problems.push({ place, field: '', got: 'neither', expected })
    return value
  })
  // An empty file is a configuration that says nothing.
  const data = document.data ?? {}
  // Read once more, and only to say what is wrong.
  let written: unknown
  const writtenAt = (path: readonly (string | number)[]): unknown => {
    written ??= documentOf(name, text, (value) => value).data ?? {}
    return valueAt(written, path)
  }
  const problem = (path: readonly (string | number)[], expected: string): Problem => ({
    // Without a file it is flags and variables that are wrong.
    place: name === '' ? '' : document.placeOf(path),
    field: fieldOf(path),
    got: shown(valueAt(data, path), path, writtenAt(path)),
    expected,
  })
  if (problems.length > 0) throw new ConfigProblems(problems)
  const parsed = schema.safeParse(data, { error: (issue) => expectation(issue) })
  if (parsed.success) return { name, config: parsed.data, problem }
  throw new ConfigProblems(parsed.error.issues.flatMap((issue) => problemsOf(issue, problem)))
}

function documentOf(name: string, text: string, textFor: (text: string, place: string) => string): YamlDocument {
  try {
    if (text.length > LARGEST) throw new InputError(`${name}: larger than ${LARGEST / 1024} KiB`)
    return yamlDocument(name, text, { forbidden: FORBIDDEN, textFor })
  } catch (error) {
    throw unreadable(error)
  }
}

/** What the reader of YAML says begins with the place already. */
function unreadable(error: unknown): unknown {
  if (!(error instanceof InputError)) return error
  const [, place = '', what = error.message] = /^(.*?:\d+:\d+): (.*)$/s.exec(error.message) ?? []
  return new ConfigProblems([{ place, field: '', got: what, expected: 'a YAML file that can be read' }])
}

function problemsOf(
  issue: z.core.$ZodIssue,
  problem: (path: readonly (string | number)[], expected: string) => Problem,
): readonly Problem[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknown(problem([...path, key], ''), key, issue.message))
  const found = problem(path, issue.message)
  // It is the name that is wrong, not what it stands for.
  return [issue.code === 'invalid_key' ? { ...found, got: shown(path.at(-1), [], path.at(-1)) } : found]
}

/** @param words what is known, as `expectation` has put it into the message */
function unknown(problem: Problem, key: string, words: string): Problem {
  const known = words.split(', ')
  const meant = didYouMean(key, known)
  const expected = meant === undefined ? `one of ${words}` : `one of the known keys, perhaps ${meant}`
  return { ...problem, got: 'an unknown key', expected }
}

/** Completes "expected …" for what zod itself finds wrong; fields have words of their own. */
function expectation(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'unrecognized_keys': {
      const { def } = (issue.inst as z.ZodObject)._zod
      return Object.keys(def.shape).join(', ')
    }
    case 'invalid_type':
      return KINDS[issue.expected as string] ?? String(issue.expected)
    case 'invalid_union':
      return (issue['options'] as readonly string[] | undefined)?.join(', ') ?? 'a table'
    case 'invalid_value':
      return issue.values.map(String).join(', ')
    case 'too_small':
      return `at least ${String(issue.minimum)} of them`
    case 'too_big':
      return `at most ${String(issue.maximum)} of them`
    case 'invalid_key':
      return (issue.issues[0] as { readonly message?: string } | undefined)?.message ?? 'a name'
  }
  return undefined
}

const KINDS: Readonly<Record<string, string>> = { object: 'a table', array: 'a list', record: 'a table' }

function valueAt(data: unknown, path: readonly (string | number)[]): unknown {
  let value = data
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string | number, unknown>)[part]
  }
  return value
}
