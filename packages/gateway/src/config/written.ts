import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import { DEFAULTS, KINDS } from './fields.ts'

/** Of zod's own description of a schema: what is looked at here. */
interface Def {
  readonly type: string
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly element?: z.ZodType
  readonly valueType?: z.ZodType
  readonly innerType?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly discriminator?: string
  readonly values?: readonly unknown[]
  readonly defaultValue?: unknown
}

/**
 * The way back: values that a schema has read, as they are written in a file, durations and sizes with their units. What is
 * a default is left out, as `undefined`.
 */
export function written(schema: z.ZodType, value: unknown): unknown {
  if (value === undefined) return undefined
  const kind = KINDS.get(schema)
  if (kind !== undefined) {
    const otherwise = DEFAULTS.get(schema)
    if (otherwise !== undefined && isDeepStrictEqual(kind.read(otherwise), value)) return undefined
    return kind.write === undefined ? value : kind.write(value)
  }
  const def = defOf(schema)
  switch (def.type) {
    case 'object':
      return fields(Object.entries(def.shape!), ([name, field]) => [
        name,
        written(field, Reflect.get(Object(value), name)),
      ])
    case 'record':
      return fields(Object.entries(Object(value)), ([name, each]) => [name, written(def.valueType!, each)])
    case 'array':
      return (value as readonly unknown[]).map((each) => written(def.element!, each))
    case 'union':
      return written(optionOf(def, value), value)
    case 'optional':
      return written(def.innerType!, value)
    case 'default':
    case 'prefault': {
      if (isDeepStrictEqual(def.defaultValue, value)) return undefined
      const inner = written(def.innerType!, value)
      return isDeepStrictEqual(inner, def.defaultValue) ? undefined : inner
    }
  }
  return value
}

function defOf(schema: z.ZodType): Def {
  return schema._zod.def
}

function optionOf({ options = [], discriminator = '' }: Def, value: unknown): z.ZodType {
  const word: unknown = Reflect.get(Object(value), discriminator)
  return options.find((option) => defOf(defOf(option).shape![discriminator]!).values?.includes(word) === true)!
}

function fields<Entry>(
  entries: readonly Entry[],
  of: (entry: Entry) => readonly [name: string, value: unknown],
): object {
  return Object.fromEntries(entries.map(of).filter(([, value]) => value !== undefined))
}
