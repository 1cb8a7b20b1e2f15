import assert from 'node:assert/strict'
import { duration } from '../../src/cli/duration.ts'
import { ConfigProblems, configOf, describeGatewayPlan, gatewayPlan, redacted } from '../../src/config/index.ts'
import * as fields from '../../src/config/fields.ts'
import { scenarioOf } from '../../src/simulate/scenario-file.ts'
import { InputError, yamlDocument } from '../../src/yaml/index.ts'
import type { FuzzTarget } from '../../../sluice/dist/test/fuzz/fuzz-target.js'

const SERVERS = 'upstreams: { app: { servers: [{ url: "http://127.0.0.1:3000" }] } }\n'
const WORDS = [
  '\n',
  ': ',
  '- ',
  '&a ',
  '*a',
  '<<: *a',
  '{',
  '}',
  '[',
  ']',
  '"',
  '|\n  ',
  '? ',
  '!!binary x',
  '!!js/function "x"',
  '${HOME}',
  '${SECRET:-x}',
  '${',
  '__proto__: {a: 1}\n',
  'constructor: {prototype: {a: 1}}\n',
  'limits:',
  'routes:',
  '5s',
  '64MiB',
  '---\n',
  '%YAML 1.1\n',
  '# ',
]
const SECRET = 'a-secret-that-nobody-may-see'

/** One line that says where. */
function assertLine(line: string): void {
  assert.doesNotMatch(line, /[\r\n]/)
  assert.ok(line.length <= 1000, String(line.length))
  assert.ok(!line.includes(SECRET), 'a secret was told')
}

export const targets: readonly FuzzTarget[] = [
  {
    name: 'configuration',
    weight: 3,
    longest: 2048,
    seeds: [
      `${SERVERS}limits: { default: { kind: fixed, limit: 4, queue: { capacity: 9, maxWait: 2s } } }\nroutes:\n  - { path: /a/*, limits: [default], timeout: 5s }\n`,
      `listen: { port: 0, adminToken: "\${SECRET}", trustedProxies: [loopback, 10.0.0.0/8] }\n${SERVERS}`,
      `${SERVERS}tenants:\n  from: api-key\n  keys:\n    acme: { key: ${SECRET}, role: admin }\nlanes:\n  rules:\n    - { lane: critical, role: admin }\n`,
      `${SERVERS}degradation: [{ step: cached-only }]\ncache: { maxBytes: 1MiB }\nredis: { url: "redis://u:${SECRET}@127.0.0.1:1" }\n`,
    ],
    words: WORDS,
    check(input) {
      try {
        const file = configOf('f.yaml', input, { SECRET, HOME: '/root' })
        const plan = gatewayPlan({ flags: {}, file })
        describeGatewayPlan(plan)
        assert.ok(!JSON.stringify(redacted(plan)).includes(SECRET) || !input.includes('${SECRET}'))
      } catch (error) {
        if (!(error instanceof ConfigProblems)) throw error
        assert.ok(error.problems.length > 0)
        for (const { place, field, expected, got } of error.problems)
          assert.ok((place !== '' || field !== '') && expected !== '' && got !== '', error.message)
        if (!/a-secret|SECRET/.test(input)) error.message.split('\n').forEach(assertLine)
      }
    },
  },
  {
    name: 'yaml',
    weight: 3,
    longest: 2048,
    seeds: ['a: &x [1, {b: c}]\nd: *x\n', '- 1\n- "2"\n- |\n  text\n', '{"a": {"b": [null, true, 1.5]}}', '? a\n: b\n'],
    words: WORDS,
    check(input) {
      try {
        const { data, placeOf } = yamlDocument('f.yaml', input, { forbidden: new Set(['__proto__']) })
        assert.match(placeOf('a.b[0]'), /^f\.yaml:\d+:\d+$/)
        JSON.stringify(data)
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        assert.match(error.message, /^f\.yaml:/)
        assertLine(error.message)
      }
    },
  },
  {
    name: 'scenarios',
    weight: 2,
    longest: 2048,
    seeds: [
      'seed: 1\nload:\n  phases: [{ lasts: 1000, rate: 100 }]\nplant: { kind: slots, slots: 4, service: { kind: fixed, ms: 10 } }\n',
      'load: { phases: [{ lasts: 60000, rate: 50 }] }\nduration: 60000\nevery: 1000\n',
    ],
    words: [...WORDS, 'load:', 'phases:', 'lasts: ', 'rate: ', 'gate:', '1e999', '.inf', '-1'],
    check(input) {
      try {
        scenarioOf('f.yaml', input)
      } catch (error) {
        if (!(error instanceof InputError) && !(error instanceof RangeError)) throw error
        assertLine(error.message)
      }
    },
  },
  {
    name: 'durations-and-sizes',
    weight: 4,
    seeds: ['500ms', '1.5m', '64MiB', '0s', '1h'],
    words: ['ms', 's', 'm', 'h', 'B', 'KiB', 'GiB', '.', 'e3'],
    check(input) {
      try {
        const read = duration(input)
        assert.ok(read >= 0)
        if (Number.isSafeInteger(read) && read < 1e15) assert.equal(duration(fields.inWords(read)), read)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        assert.ok(error.message.includes(input))
      }
      const span = fields.duration(1, 1e9).read(input)
      assert.ok(span === undefined || (span >= 1 && span <= 1e9))
      const bytes = fields.size(1, 1e12).read(input)
      assert.ok(bytes === undefined || (Number.isInteger(bytes) && bytes >= 1 && bytes <= 1e12))
      if (bytes !== undefined) assert.equal(fields.size(1, 1e12).read(fields.sizeInWords(bytes)), bytes)
    },
  },
]
