import { InvalidRequest, type Demand } from './dialect.ts'

export type Body = Readonly<Record<string, unknown>>

/** A whole number from 1, or nothing. */
export function amount(body: Body, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = body[name]
    if (value === undefined || value === null) continue
    if (!Number.isInteger(value) || (value as number) < 1)
      throw new InvalidRequest(400, `Invalid '${name}': expected a whole number of at least 1.`, name, 'invalid_value')
    return value as number
  }
  return undefined
}

export function named(body: Body, fromPath: string | undefined): string {
  const model = fromPath ?? body['model']
  if (typeof model !== 'string' || model === '')
    throw new InvalidRequest(400, "Missing required parameter: 'model'.", 'model', 'missing_required_parameter')
  return model
}

export function list(body: Body, name: string): readonly Body[] {
  const value = body[name]
  if (!Array.isArray(value) || value.length === 0)
    throw new InvalidRequest(400, `Invalid '${name}': expected messages, at least one.`, name, 'invalid_value')
  return value as Body[]
}

/** A tool as every dialect has it, in its own words. */
export interface Tool {
  readonly name: string
  readonly schema: unknown
}

/**
 * Which tool the answer calls: the one asked for, else the first; none when the caller wants none, or when the last
 * thing said is what a tool gave back.
 */
export function toolDemand(
  tools: readonly Tool[],
  choice: { readonly none?: boolean; readonly name?: string | undefined },
  answered: boolean,
): Demand | undefined {
  if (tools.length === 0 || choice.none === true) return undefined
  // One tool demanded by name is called whatever was said before, as providers do.
  const tool =
    choice.name === undefined ? (answered ? undefined : tools[0]) : tools.find(({ name }) => name === choice.name)
  return tool && { kind: 'tool', ...tool }
}

export function objectOf(value: unknown): Body {
  return typeof value === 'object' && value !== null ? (value as Body) : {}
}

export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
