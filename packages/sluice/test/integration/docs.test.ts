import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../../../', import.meta.url))

interface Example {
  /** Page and line, so that a failure says where to look. */
  readonly where: string
  readonly code: string
}

/** Every block of the README and the docs in one language. */
function examples(language: 'ts' | 'js'): Example[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name))
  return ['README.md', ...docs.filter((name) => name.endsWith('.md'))].flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8')
    return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((match) => ({
      where: `${page}:${text.slice(0, match.index).split('\n').length}`,
      code: match[1]!,
    }))
  })
}

/** Runs an example to its end, or, where it is a server, until it has been quiet for a while. */
async function runExample(file: string): Promise<{ failed: boolean; errors: string }> {
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'ignore', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const server = setTimeout(() => child.kill('SIGKILL'), 2000)
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.once('close', (...ended) => resolve(ended)),
  )
  clearTimeout(server)
  return { failed: code !== 0 && signal !== 'SIGKILL', errors }
}

// Most of them are servers, and wait to be ended.
describe('the examples of the docs', { concurrency: 4 }, () => {
  const all = examples('ts')
  const plain = examples('js')
  const cache = join(root, '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'examples-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [index, { code }] of all.entries()) writeFileSync(join(folder, `${index}.ts`), code)
  for (const [index, { code }] of plain.entries()) writeFileSync(join(folder, `plain-${index}.mjs`), code)
  const options = {
    composite: false,
    outDir: 'out',
    isolatedDeclarations: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    rootDir: '.',
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: relative(folder, join(root, 'tsconfig.base.json')), compilerOptions: options }),
  )

  let done: { status: number | null; stdout: string } = { status: null, stdout: '' }
  before(() => {
    done = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' })
  })

  it('compile', () => {
    assert.ok(all.length >= 2, 'no examples found')
    const places = done.stdout.replaceAll(/(\d+)\.ts\((\d+)/g, (_, at, line) => `${all[Number(at)]!.where} + ${line}`)
    assert.equal(done.status, 0, places)
  })

  for (const [index, { where }] of all.entries())
    it(`run: ${where}`, async () => {
      const { failed, errors } = await runExample(join(folder, 'out', `${index}.js`))
      assert.equal(failed || errors !== '', false, errors)
    })

  // What others' packages take: not compiled, since not all of them say what they take.
  for (const [index, { where }] of plain.entries())
    it(`run: ${where}`, async () => {
      const { failed, errors } = await runExample(join(folder, `plain-${index}.mjs`))
      assert.equal(failed || errors !== '', false, errors)
    })
})

describe('the docs as a site', () => {
  const cache = join(root, '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'site-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('are built, and every link in them leads somewhere', () => {
    const script = join(root, 'scripts', 'site.mjs')
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--out', folder], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    assert.match(stdout, /^\d+ pages, \d+ links/)
    assert.match(readFileSync(join(folder, 'index.html'), 'utf8'), /<h1 id="sluice">Sluice<\/h1>/)
    assert.doesNotMatch(readFileSync(join(folder, 'index.html'), 'utf8'), /href="[^":]+\.md/)
  })
})
