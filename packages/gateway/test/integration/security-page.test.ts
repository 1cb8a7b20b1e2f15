import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url))
const PAGE = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Links of the page, without those that lead to the web. */
const LINKS = [...PAGE.matchAll(/\[([^\]]+)\]\(([^)\s]+)\)/g)]
  .map(([, words = '', path = '']) => ({ words, path }))
  .filter(({ path }) => !/^(?:https?:|#)/.test(path))

const TESTS = LINKS.filter(({ path }) => path.endsWith('.test.ts'))

/** As a test is called in its source, where figures and names may be put in when it runs. */
function isNamed(source: string, words: string): boolean {
  const names = [...source.matchAll(/\b(?:it|describe)\(\s*([`'"])(.*?)\1,/gs)].map(([, , name = '']) => name)
  return names.some((name) => name.replaceAll("\\'", "'").includes(words))
}

describe('SECURITY.md', () => {
  it('leads to files that are there', () => {
    assert.ok(LINKS.length > 60, `${LINKS.length} links`)
    for (const { path } of LINKS) assert.ok(existsSync(join(ROOT, path)), path)
  })

  it('names tests by the words they have', () => {
    assert.ok(TESTS.length > 40, `${TESTS.length} tests`)
    for (const { words, path } of TESTS) assert.ok(isNamed(read(path), words), `${path}: ${words}`)
    assert.equal(isNamed(read(TESTS[0]!.path), 'a test that nobody has written'), false)
  })

  it('has a test, or says that there is none, in each row of the threat model', () => {
    const [, model = ''] = PAGE.split('## Threat model')
    const rows = model
      .split('\n## ')[0]!
      .split('\n')
      .filter((line) => line.startsWith('| **'))
    assert.ok(rows.length >= 18, `${rows.length} rows`)
    for (const row of rows) assert.match(row, /\.test\.ts\)|\*not covered/, row)
  })

  it('what it says of the supply chain is so', () => {
    for (const name of ['sluice', 'gateway']) {
      const { scripts = {} } = JSON.parse(read(`packages/${name}/package.json`)) as { scripts?: Record<string, string> }
      for (const script of Object.keys(scripts)) assert.doesNotMatch(script, /^(?:pre|post|install|prepare)/)
    }
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { integrity?: string; link?: boolean }>
    }
    for (const [path, { integrity, link }] of Object.entries(packages))
      if (path.startsWith('node_modules/') && link !== true) assert.match(integrity ?? '', /^sha512-/, path)
    const { dependencies = {} } = JSON.parse(read('packages/gateway/package.json')) as {
      dependencies?: Record<string, string>
    }
    for (const [name, version] of Object.entries(dependencies)) assert.match(version, /^\d+\.\d+\.\d+$/, name)
  })
})
