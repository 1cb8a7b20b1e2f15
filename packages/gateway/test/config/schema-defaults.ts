/** Some defaults, by the path of their field: what the documentation promises. */
export const DEFAULTS: readonly (readonly [path: string, value: unknown])[] = [
  ['listen.host', '0.0.0.0'],
  ['listen.port', 8080],
  ['listen.adminHost', '127.0.0.1'],
  ['listen.adminPort', 9090],
  ['listen.bodyPace.bytes', '1000B'],
  ['listen.bodyPace.over', '10s'],
  ['listen.drainTimeout', '30s'],
  ['listen.readiness.above', 90],
  ['listen.readiness.sheddingFor', '10s'],
  ['dryRun', false],
  ['refusals', 'envelope'],
  ['lanes.shares.high', 40],
  ['lanes.shares.low', 10],
  ['redis.lease', '2s'],
  ['cache.maxBytes', '64MiB'],
]

interface Field {
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Field>>
}

export function schemaDefault(schema: Readonly<Record<string, unknown>>, path: string): unknown {
  let field = schema as Field
  for (const name of path.split('.')) field = field.properties![name]!
  return field.default
}
