import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { MUTANTS, type Mutant } from './mutants.ts'

const compiled = fileURLToPath(new URL('../../src/', import.meta.url))
const runner = fileURLToPath(new URL('mutant-run.js', import.meta.url))

/** What the laws load of the library. Where something is missing, the control cannot be loaded either. */
const LOADED = ['ground', 'measure', 'limit', 'queue', 'gate', 'observe', 'stream', 'sim', 'testing', 'index.js']

/** A mutant that hangs is found out as well, but must not hold up the others. */
const PATIENCE = 20_000

/** A text as a pattern in which any white space is as good as any other. */
function pattern(text: string): RegExp {
  const words = text.split(' ').map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
  return new RegExp(words.join(String.raw`\s+`), 'g')
}

function mutate(source: string, { name, file, find, replace }: Mutant): string {
  const found = [...source.matchAll(pattern(find))].length
  assert.equal(found, 1, `the mutation "${name}" is stale: ${file} has ${found} × ${find}`)
  return source.replace(pattern(find), () => replace)
}

function lawsOn(folder: string): Promise<{ readonly failed: boolean; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [runner, folder], { timeout: PATIENCE, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stdout.on('data', (part: Buffer) => (said += part.toString()))
    child.stderr.on('data', (part: Buffer) => (said += part.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ failed: code !== 0, said: said.trim() || `ended by ${signal}` }))
  })
}

// Two at a time, as many as there are cores where this must be quick.
describe('mutants', { concurrency: 2 }, () => {
  let home = ''
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'sluice-mutants-'))
    writeFileSync(join(home, 'package.json'), '{ "type": "module" }')
  })
  after(() => rmSync(home, { recursive: true, force: true }))

  const copy = (name: string): string => {
    const folder = join(home, name)
    for (const part of LOADED)
      cpSync(join(compiled, part), join(folder, part), {
        recursive: true,
        filter: (path) => !/\.(map|d\.ts)$/.test(path),
      })
    return folder
  }

  it('control: the laws hold on an unchanged copy', async () => {
    const { failed, said } = await lawsOn(copy('control'))
    assert.ok(!failed, said)
  })

  for (const [index, mutant] of MUTANTS.entries())
    it(`is found out: ${mutant.name}`, async (test) => {
      const folder = copy(`mutant-${index}`)
      const path = join(folder, mutant.file)
      writeFileSync(path, mutate(readFileSync(path, 'utf8'), mutant))
      const { failed, said } = await lawsOn(folder)
      assert.ok(failed, 'all laws hold on it: they are too weak')
      test.diagnostic(said.split('\n')[0]!)
      // A copy that cannot even be loaded proves nothing about the laws.
      assert.doesNotMatch(said, /SyntaxError|ReferenceError|ERR_MODULE/)
    })
})
