import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runToEnd } from './run-child.ts'

const EXAMPLE = fileURLToPath(new URL('../../../../../examples/gateway.yaml', import.meta.url))

describe('sluice check', () => {
  let folder = ''
  before(() => (folder = mkdtempSync(join(tmpdir(), 'sluice-check-'))))
  after(() => rmSync(folder, { recursive: true, force: true }))

  function file(text: string): string {
    const path = join(folder, 'sluice.yaml')
    writeFileSync(path, text)
    return path
  }

  it('prints what a file means, with what flags and environment say over it', async () => {
    const environment = { ACME_KEY: 'acme-key-acme-key-1', BACKPRESSURE_MAX_CONCURRENT: '77', SLUICE_PORT: '81' }
    const { code, out, err } = await runToEnd(['check', EXAMPLE, '--queue', '9', '--workers', '2'], environment)
    assert.deepEqual([code, err], [0, ''])
    assert.match(out, /^ {2}requests +0\.0\.0\.0:81$/m)
    assert.match(out, /^ {2}default +77 at once, 9 may wait/m)
    assert.doesNotMatch(out, /acme-key/)
  })

  it('--json prints the plan, without secrets', async () => {
    const { code, out } = await runToEnd(['check', EXAMPLE, '--json'], { ACME_KEY: 'acme-key-acme-key-1' })
    assert.equal(code, 0)
    const plan = JSON.parse(out) as { tenants: { keys: { acme: { key: string } } } }
    assert.equal(plan.tenants.keys.acme.key, '***')
  })

  it('says all that is wrong, a line each, and exits with 2', async () => {
    const path = file('listen: { port: x }\nroutes: [{ pth: /a }]\n')
    const { code, out, err } = await runToEnd(['check', path])
    assert.deepEqual([code, out], [2, ''])
    assert.deepEqual(err.split('\n'), [
      `sluice: ${path}:1:11: listen.port: expected a whole number from 0 to 65535, got "x"`,
      `sluice: ${path}:2:12: routes[0].pth: expected one of the known keys, perhaps path, got an unknown key`,
      '',
    ])
  })

  it('--json says what is wrong as data', async () => {
    const { code, out, err } = await runToEnd(['check', file('dryRun: 5'), '--json'])
    assert.deepEqual([code, err], [2, ''])
    const { problems } = JSON.parse(out) as { problems: readonly { field: string; expected: string }[] }
    assert.deepEqual(
      problems.map(({ field, expected }) => [field, expected]),
      [['dryRun', 'true or false']],
    )
  })

  it('without a file: one line and exit 2', async () => {
    const { code, err } = await runToEnd(['check'])
    assert.equal(code, 2)
    assert.match(err, /^sluice: [^\n]*config[^\n]*\n$/)
  })
})

describe('sluice export', () => {
  it('schema: prints a JSON Schema that has every section', async () => {
    const { code, out } = await runToEnd(['export', 'schema'])
    assert.equal(code, 0)
    const schema = JSON.parse(out) as { $schema: string; properties: object; additionalProperties: boolean }
    assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema')
    assert.equal(schema.additionalProperties, false)
    const page = readFileSync(new URL('../../../../../docs/configuration.md', import.meta.url), 'utf8')
    for (const section of Object.keys(schema.properties)) assert.match(page, new RegExp(`\`${section}\``), section)
  })

  it('of something there is not: one line and exit 2', async () => {
    const { code, err } = await runToEnd(['export', 'nothing'])
    assert.equal(code, 2)
    assert.match(err, /^sluice: [^\n]*schema[^\n]*\n$/)
  })
})
