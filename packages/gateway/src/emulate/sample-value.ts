const DEEPEST = 12

/** Some value that a JSON schema allows: enough for arguments of tools and for structured answers. */
export function sampleValue(schema: unknown, depth = 0): unknown {
  if (typeof schema !== 'object' || schema === null || depth > DEEPEST) return {}
  const { type, properties, items, anyOf, oneOf, minimum, ...rest } = schema as Record<string, unknown>
  if ('const' in rest) return rest['const']
  if (Array.isArray(rest['enum'])) return rest['enum'][0]
  const choices = anyOf ?? oneOf
  if (Array.isArray(choices)) return sampleValue(choices[0], depth + 1)
  switch (Array.isArray(type) ? type[0] : type) {
    case 'string':
      return 'sample'
    case 'integer':
    case 'number':
      return typeof minimum === 'number' ? minimum : 1
    case 'boolean':
      return true
    case 'null':
      return null
    case 'array':
      return [sampleValue(items, depth + 1)]
    default:
      return Object.fromEntries(
        Object.entries((properties ?? {}) as Record<string, unknown>).map(([name, value]) => [
          name,
          sampleValue(value, depth + 1),
        ]),
      )
  }
}
