import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  configOf,
  ConfigProblems,
  gatewayPlan,
  jsonSchema,
  type Config,
  type Environment,
} from '../../src/config/index.ts'
import { DEFAULTS, schemaDefault } from './schema-defaults.ts'

function read(text: string, environment: Environment = {}): Config {
  return configOf('c.yaml', text, environment).config
}

/** What is wrong with a text, a line each. */
function wrong(text: string, environment: Environment = {}): readonly string[] {
  try {
    read(text, environment)
  } catch (error) {
    if (error instanceof ConfigProblems) return error.message.split('\n')
    throw error
  }
  return []
}

describe('a configuration file', () => {
  it('may say nothing at all', () => {
    assert.deepEqual(read('').listen.port, 8080)
    assert.deepEqual(read('# nothing\n').dryRun, false)
  })

  it('says all that is wrong at once, a line each: file, line, column, field, what was expected, what was found', () => {
    const text = [
      'listen: { port: 70000, prot: 3 }',
      'upstreams:',
      '  app:',
      '    servers: [{ url: "ftp://x" }, 3]',
      '    health: { every: 5 }',
      'limits:',
      '  default: { kind: fixd }',
      '  login: { kind: rate }',
      'routes: 5',
    ].join('\n')
    assert.deepEqual(wrong(text), [
      'c.yaml:1:11: listen.port: expected a whole number from 0 to 65535, got 70000',
      'c.yaml:1:24: listen.prot: expected one of the known keys, perhaps port, got an unknown key',
      'c.yaml:4:17: upstreams.app.servers[0].url: expected an origin like http://127.0.0.1:3000, without path, query or credentials, got "ftp://x"',
      'c.yaml:4:35: upstreams.app.servers[1]: expected a table, got 3',
      'c.yaml:5:15: upstreams.app.health.every: expected a duration from 100ms to 24h with its unit (ms, s, m, h), like 3s, got 5',
      'c.yaml:9:1: routes: expected a list, got 5',
      'c.yaml:7:14: limits.default.kind: expected adaptive, fixed, rate, got "fixd"',
      'c.yaml:8:3: limits.login.requests: expected a whole number from 1 to 1000000, got nothing',
    ])
  })

  it('says no secret', () => {
    const lines = [...wrong('listen: { adminToken: hunter2 }\nredis: { url: "http://me:hunter2@x" }')]
    assert.equal(lines.length, 2)
    lines.push(...wrong('tenants: { from: jwt, jwks: "ftp://x/keys?key=hunter2" }'))
    assert.equal(lines.length, 3)
    for (const line of lines) assert.doesNotMatch(line, /hunter2/)
  })

  it('refuses unknown keys everywhere, and names what is known where nothing is alike', () => {
    assert.match(wrong('xyzzy: 1')[0]!, /^c\.yaml:1:1: xyzzy: expected one of listen, preset, .*, got an unknown key$/)
    assert.match(wrong('listen: { Port: 1 }')[0]!, /perhaps port/)
    assert.match(wrong('dryrun: true')[0]!, /perhaps dryRun/)
  })

  for (const [what, text] of [
    ['a second prototype', '__proto__: { dryRun: true }'],
    ['a second prototype further in', 'listen: { __proto__: { port: 1 } }'],
    ['a constructor', 'limits: { constructor: { kind: adaptive } }'],
    ['an alias bomb', bomb()],
    ['a document that is nested too deep', `a: ${'['.repeat(1000)}`],
    ['more than one document', 'dryRun: true\n---\ndryRun: false'],
    ['a key that is there twice', 'dryRun: true\ndryRun: false'],
    ['more than a mebibyte', `# ${'x'.repeat(1024 * 1024)}`],
    ['a file that is no YAML', 'a: b: c'],
    ['a list', '[1]'],
  ] as const)
    it(`refuses ${what} in one line`, () => {
      const lines = wrong(text)
      assert.equal(lines.length, 1, lines.join('\n'))
      assert.equal(({} as { dryRun?: boolean }).dryRun, undefined)
    })

  it('puts in variables, with their defaults, as text that is read as what the field wants', () => {
    const text = 'listen: { port: "${P:-1234}", adminToken: "${TOKEN}" }\ndryRun: ${DRY:-false}'
    const token = '12345678901234567890'
    assert.equal(read(text, { TOKEN: token }).listen.port, 1234)
    assert.equal(read(text, { TOKEN: token, P: '77', DRY: 'true' }).listen.port, 77)
    assert.equal(read(text, { TOKEN: token, DRY: 'true' }).dryRun, true)
    // A token of digits stays what it is.
    assert.equal(read(text, { TOKEN: token }).listen.adminToken, token)
    assert.deepEqual(wrong(text), [
      'c.yaml:1:43: expected the environment variable TOKEN to be set, or a default as in ${TOKEN:-…}, got neither',
    ])
  })

  it('says what is missing where a variable stands without quotes in braces or brackets', () => {
    for (const text of ['listen: { port: ${PORT} }', 'listen: { port: ${PORT:-8080} }', 'a: [${PORT}]'])
      assert.deepEqual(wrong(text, { PORT: '1' }), [
        `c.yaml:1:${text.indexOf('${') + 2}: expected a YAML file that can be read, got a variable without quotes; inside { } and [ ] it is written "\${NAME}"`,
      ])
    assert.equal(read('listen: { port: "${PORT}" }', { PORT: '1' }).listen.port, 1)
  })

  it('names the name that is none', () => {
    assert.deepEqual(wrong('upstreams: { "a b": { servers: [{ url: http://a }] } }'), [
      'c.yaml:1:14: upstreams["a b"]: expected a name of at most 40 letters, digits, - and _, beginning with a letter, got "a b"',
    ])
  })

  it('never tells what a variable holds, in whatever field it stands', () => {
    const environment = { SECRET: 'hunter2', HOST: 'hunter2.example', N: '3' }
    const text = `
listen: { port: "\${SECRET}", host: "\${SECRET}", trustedProxies: ["10.0.0.0/\${SECRET}"], adminToken: "\${SECRET}" }
upstreams: { app: { servers: [{ url: "ftp://me:sesame@\${HOST}/" }] } }
preset: &it "\${SECRET}"
refusals: *it
dryRun: "\${MISSING:-perhaps}"
limits: { a: { kind: "\${SECRET}" }, b: { kind: fixed, limit: "\${N}x" } }`
    const lines = wrong(text, environment)
    assert.equal(lines.length, 10, lines.join('\n'))
    for (const line of lines) assert.doesNotMatch(line, /hunter2|sesame|3x/)
    for (const [field, got] of [
      ['listen.port', 'what "${SECRET}" stands for'],
      ['listen.host', 'what "${SECRET}" stands for'],
      ['listen.trustedProxies[0]', 'what "10.0.0.0/${SECRET}" stands for'],
      ['listen.adminToken', '*** (a secret)'],
      ['upstreams.app.servers[0].url', 'what "ftp://me:***@${HOST}/" stands for'],
      ['preset', 'what "${SECRET}" stands for'],
      ['refusals', 'what "${SECRET}" stands for'],
      ['dryRun', 'what "${MISSING:-perhaps}" stands for'],
      ['limits.a.kind', 'what "${SECRET}" stands for'],
      ['limits.b.limit', 'what "${N}x" stands for'],
    ] as const)
      assert.ok(
        lines.some((line) => line.includes(` ${field}: expected `) && line.endsWith(`, got ${got}`)),
        `${field}: ${lines.join('\n')}`,
      )
    // Control: what stands in the file itself is told.
    assert.match(wrong('listen: { port: hunter2 }', environment)[0]!, /got "hunter2"$/)
    assert.match(wrong('listen: { port: .nan }')[0]!, /got null$/)
  })

  it('nor where it makes no sense with the rest of the file', () => {
    const text = 'upstreams: { app: { servers: [{ url: "http://a:1" }] } }\nroutes: [{ upstream: "${SECRET}" }]'
    assert.throws(
      () => gatewayPlan({ file: configOf('c.yaml', text, { SECRET: 'hunter2' }) }),
      /routes\[0\]\.upstream: expected one of app, got what "\$\{SECRET\}" stands for$/,
    )
  })

  it('takes $${ for what it looks like', () => {
    assert.equal(read('listen: { adminToken: "$${NO_VARIABLE}abcdef" }').listen.adminToken, '${NO_VARIABLE}abcdef')
    assert.match(wrong('listen: { adminToken: "${no variable}" }')[0]!, /expected a variable like \$\{NAME\}/)
  })

  it('lets no variable say more than a text', () => {
    const evil = '1234\nlisten: { port: 1 }'
    assert.match(wrong('listen: { port: "${P}" }', { P: evil })[0]!, /listen\.port: expected a whole number/)
    assert.match(wrong('listen: { adminToken: "${P}" }', { P: '${OTHER}${OTHER}' })[0] ?? 'text', /text/)
  })

  it('no input makes it fail in any other way', () => {
    const words = fc.constantFrom(
      'listen',
      'port',
      'routes',
      'limits',
      'default',
      'kind',
      'rate',
      '__proto__',
      '${A',
      '*x',
      '&x',
      '<<',
      '"',
      "'",
      '{',
      '[',
      ': ',
      '\n',
      '\n  ',
      '- ',
      '!!js',
      '? ',
      '|',
      '%',
      '\t',
      '\0',
      '3s',
      '-1',
      '1e99',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 200 }),
          fc.array(words, { maxLength: 40 }).map((all) => all.join(' ')),
        ),
        (text) => {
          for (const line of wrong(text)) assert.doesNotMatch(line, /[\n\r]|undefined/)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('whatever data it is given, it accepts it or says why', () => {
    const key = fc.constantFrom(
      'listen',
      'port',
      'upstreams',
      'app',
      'servers',
      'url',
      'limits',
      'default',
      'kind',
      'tenants',
      'from',
      'keys',
      'lanes',
      'rules',
      'shares',
      'redis',
      'constructor',
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(null, true, 1, -1, 1.5, '', 'rate', 'fixed', 'jwt', '3s', 'http://a', '*'),
        tie('list'),
        tie('table'),
      ),
      list: fc.array(tie('value'), { maxLength: 4 }),
      table: fc.dictionary(key, tie('value'), { maxKeys: 5 }),
    }))
    fc.assert(
      fc.property(value, (data) => {
        for (const line of wrong(JSON.stringify(data))) assert.match(line, /^c\.yaml:\d+:\d+: .*expected .*, got /)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('the published schema', () => {
  it('describes every field, and has every default', () => {
    const missing: string[] = []
    visit(jsonSchema(), '', (path, field) => {
      if (!('description' in field) && !('const' in field)) missing.push(path)
    })
    assert.deepEqual(
      missing.filter((path) => !/\.(items|anyOf|oneOf)/.test(path) && path !== ''),
      [],
    )
    for (const [path, value] of DEFAULTS) assert.deepEqual(schemaDefault(jsonSchema(), path), value, path)
  })

  it('is JSON', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(jsonSchema())), jsonSchema())
  })
})

interface Field {
  readonly properties?: Readonly<Record<string, Field>>
  readonly additionalProperties?: Field | boolean
  readonly items?: Field
  readonly oneOf?: readonly Field[]
}

function visit(field: Field, path: string, see: (path: string, field: Field) => void): void {
  for (const [name, part] of Object.entries(field.properties ?? {})) {
    see(`${path}.${name}`, part)
    visit(part, `${path}.${name}`, see)
  }
  for (const part of field.oneOf ?? []) visit(part, path, see)
  if (field.items !== undefined) visit(field.items, path, see)
  if (typeof field.additionalProperties === 'object') visit(field.additionalProperties, path, see)
}

function bomb(): string {
  const lines = ['a: &a [x, x, x, x, x, x, x, x, x]']
  for (let i = 0; i < 12; i++)
    lines.push(
      `${'bcdefghijklmn'[i]}: &${'bcdefghijklmn'[i]} [${Array.from({ length: 9 }, () => `*${'abcdefghijklmn'[i]}`).join(', ')}]`,
    )
  return lines.join('\n')
}

describe('the documentation', () => {
  const root = new URL('../../../../../', import.meta.url)

  it('shows configurations that are accepted', () => {
    const page = readFileSync(new URL('docs/configuration.md', root), 'utf8')
    const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text!)
    assert.ok(blocks.length >= 4)
    for (const block of blocks) assert.deepEqual(wrong(block, { REDIS_PASSWORD: 'x' }), [], block)
  })

  it('has an example that makes a whole plan', () => {
    const text = readFileSync(new URL('examples/gateway.yaml', root), 'utf8')
    const plan = gatewayPlan({ file: configOf('gateway.yaml', text, {}) })
    assert.deepEqual(
      plan.routes.map(({ name }) => name),
      ['login', 'search', 'rest'],
    )
  })
})
