import { z } from 'zod'
import type { Millis } from 'sluice'

/** How one kind of value is read, what it is called in messages, and what an editor is told of it. */
export interface Kind<T> {
  /** Completes "expected …". */
  readonly expected: string
  /** JSON Schema, for editors. */
  readonly json: Readonly<Record<string, unknown>>
  /** `undefined` for what it is not. */
  read(value: unknown): T | undefined
  /** As it is written in a file, where that is not the value itself. */
  write?(value: T): unknown
}

/** The default of a field, for `override` of `z.toJSONSchema`: zod keeps none before a transformation. */
export const DEFAULTS: WeakMap<object, unknown> = new WeakMap()

/** What each field holds, for whoever goes the way back, from values to a file. */
export const KINDS: WeakMap<object, Kind<unknown>> = new WeakMap()

/** A field that a file may leave out. What comes before a transformation tells so at run time, but not to the compiler. */
export type Omissible<T> = z.ZodType<T, unknown, z.core.$ZodTypeInternals<T> & { readonly optin: 'optional' }>

/** A field that has to be there. */
export function required<T>(kind: Kind<T>, about: string): z.ZodType<T> {
  const schema = z
    .unknown()
    .transform((value, context) => readOr(kind, value, context))
    .meta({ ...kind.json, description: about })
  KINDS.set(schema, kind)
  return schema
}

/** A field that may be left out. */
export function optional<T>(kind: Kind<T>, about: string): Omissible<T | undefined> {
  const schema = z
    .unknown()
    .optional()
    .transform((value, context) => (value === undefined ? undefined : readOr(kind, value, context)))
    .meta({ ...kind.json, description: about })
  KINDS.set(schema, kind)
  return schema as unknown as Omissible<T | undefined>
}

/** A field with a default, written as in the file. */
export function standard<T>(kind: Kind<T>, about: string, otherwise: unknown): Omissible<T> {
  const schema = z
    .unknown()
    .optional()
    .transform((value, context) => readOr(kind, value === undefined ? otherwise : value, context))
    .meta({ ...kind.json, description: about })
  DEFAULTS.set(schema, otherwise)
  KINDS.set(schema, kind)
  return schema as unknown as Omissible<T>
}

function readOr<T>(kind: Kind<T>, value: unknown, context: z.RefinementCtx): T {
  const read = kind.read(value)
  if (read !== undefined) return read
  context.issues.push({ code: 'custom', message: kind.expected, input: value })
  return z.NEVER
}

/** `${VAR}` in a file is text until it is read: an editor may not know better. */
const VARIABLE = { type: 'string', pattern: '\\$\\{' }

/** A whole number. Digits in quotes count: that is what a variable stands for. */
export function count(min: number, max: number): Kind<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    json: { anyOf: [{ type: 'integer', minimum: min, maximum: max }, VARIABLE] },
    read(value) {
      const number = typeof value === 'string' && /^\d{1,15}$/.test(value.trim()) ? Number(value) : value
      return typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max
        ? number
        : undefined
    },
  }
}

/** A number, fractions allowed. */
export function quantity(min: number, max: number): Kind<number> {
  return {
    expected: `a number from ${min} to ${max}`,
    json: { anyOf: [{ type: 'number', minimum: min, maximum: max }, VARIABLE] },
    read(value) {
      const number = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : value
      return typeof number === 'number' && number >= min && number <= max ? number : undefined
    },
  }
}

const DURATIONS: Readonly<Record<string, Millis>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A duration with its unit: `500ms`, `3s`, `1.5m`, `1h`. Read as ms. @param min @param max in ms */
export function duration(min: Millis, max: Millis): Kind<Millis> {
  return {
    expected: `a duration from ${inWords(min)} to ${inWords(max)} with its unit (ms, s, m, h), like 3s`,
    json: { type: 'string', pattern: String.raw`^\d+(\.\d+)?(ms|s|m|h)$|\$\{` },
    read(value) {
      const millis = typeof value === 'string' ? millisOf(value) : undefined
      return millis !== undefined && millis >= min && millis <= max ? millis : undefined
    },
    write: inWords,
  }
}

/** A duration as people write it, in ms; `undefined` for what is none. */
export function millisOf(text: string): Millis | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim()) ?? []
  return digits === undefined || unit === undefined ? undefined : Number(digits) * DURATIONS[unit]!
}

/** A duration as it is written: 90000 → `90s`, 120000 → `2m`. */
export function inWords(value: Millis): string {
  for (const unit of ['h', 'm', 's'] as const)
    if (value > 0 && Number.isInteger(value / DURATIONS[unit]!)) return `${value / DURATIONS[unit]!}${unit}`
  return `${value}ms`
}

const SIZES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** A number of bytes: `64MiB`, `512KiB`, `100B`. */
export function size(min: number, max: number): Kind<number> {
  return {
    expected: `a size from ${sizeInWords(min)} to ${sizeInWords(max)} with its unit (B, KiB, MiB, GiB), like 64MiB`,
    json: { type: 'string', pattern: String.raw`^\d+(\.\d+)?(B|KiB|MiB|GiB)$|\$\{` },
    read(value) {
      const [, digits, unit] =
        (typeof value === 'string' && /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/.exec(value.trim())) || []
      if (digits === undefined || unit === undefined) return undefined
      const bytes = Math.floor(Number(digits) * SIZES[unit]!)
      return bytes >= min && bytes <= max ? bytes : undefined
    },
    write: sizeInWords,
  }
}

/** 65536 → `64KiB`. */
export function sizeInWords(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const)
    if (bytes > 0 && Number.isInteger(bytes / SIZES[unit]!)) return `${bytes / SIZES[unit]!}${unit}`
  return `${bytes}B`
}

/** `true` or `false`, also in quotes. */
export function flag(): Kind<boolean> {
  return {
    expected: 'true or false',
    json: { anyOf: [{ type: 'boolean' }, VARIABLE] },
    read: (value) =>
      value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined,
  }
}

/** One of some words. */
export function choice<const W extends string>(words: readonly W[]): Kind<W> {
  return {
    expected: `${words.slice(0, -1).join(', ')}${words.length > 1 ? ' or ' : ''}${words.at(-1)}`,
    json: { anyOf: [{ enum: [...words] }, VARIABLE] },
    read: (value) => words.find((word) => word === value),
  }
}

/** A text in which `fits` finds nothing wrong. Never longer than 4096 signs. */
export function text(expected: string, fits: (text: string) => boolean, pattern?: string): Kind<string> {
  return {
    expected,
    json: { type: 'string', ...(pattern !== undefined && { pattern: `${pattern}|\\$\\{` }) },
    read: (value) => (typeof value === 'string' && value.length <= 4096 && fits(value) ? value : undefined),
  }
}

/** What things in a file are called. */
export const NAME: Kind<string> = text(
  'a name of at most 40 letters, digits, - and _, beginning with a letter',
  (name) => /^[a-z][\w-]{0,39}$/i.test(name),
  '^[A-Za-z][A-Za-z0-9_-]{0,39}$',
)

/** A path, or one that ends in `/*` for all below it. */
export const PATH: Kind<string> = text(
  'a path like /login, or /api/* for all below /api/',
  (path) =>
    /^\/[\x21-\x7e]*$/.test(path) &&
    !/[?#]/.test(path) &&
    !path.slice(0, -1).includes('*') &&
    (!path.endsWith('*') || path.endsWith('/*')),
  '^/[^?#* ]*\\*?$',
)

/** A name of a header. */
export const HEADER: Kind<string> = {
  ...text(
    'the name of a header, like x-api-key',
    (name) => /^[a-z][a-z0-9-]{0,63}$/i.test(name),
    '^[A-Za-z][A-Za-z0-9-]*$',
  ),
  read: (value) =>
    typeof value === 'string' && /^[a-z][a-z0-9-]{0,63}$/i.test(value) ? value.toLowerCase() : undefined,
}
