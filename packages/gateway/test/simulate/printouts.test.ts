import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../../../', import.meta.url))

/** Compares the commands of pages with what stands below them, or writes that anew. */
function printouts(...args: readonly string[]): Promise<{ readonly failed: boolean; readonly said: string }> {
  const script = join(root, 'scripts', 'printouts.mjs')
  return new Promise((resolve) => {
    execFile(process.execPath, [script, '--built', ...args], { timeout: 60_000 }, (error, _, said) =>
      resolve({ failed: error !== null, said }),
    )
  })
}

describe('the printouts of the docs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-printouts-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const copy = join(folder, 'size.md')
  const page = readFileSync(join(root, 'docs', 'size.md'), 'utf8')

  for (const name of ['simulate.md', 'size.md'])
    it(`${name} shows what is printed`, async () => {
      const { failed, said } = await printouts('--check', '--page', join(root, 'docs', name))
      assert.equal(failed, false, said)
    })

  it('S3.14 the operations guide shows what is printed, and has a word on each thing that is asked', async () => {
    const guide = join(root, 'docs', 'operations.md')
    const { failed, said } = await printouts('--check', '--page', guide)
    assert.equal(failed, false, said)
    const headings = [...readFileSync(guide, 'utf8').matchAll(/^## (.+)$/gm)].map((match) => match[1]!).join('; ')
    for (const word of [/threshold/, /wait/, /Clients/, /Redis/, /Roll-out/]) assert.match(headings, word)
  })

  it('are compared to the letter, and written anew', async () => {
    writeFileSync(copy, page.replace('  cpu       280', '  cpu       281'))
    assert.notEqual(readFileSync(copy, 'utf8'), page)
    const stale = await printouts('--check', '--page', copy)
    assert.ok(stale.failed)
    assert.match(stale.said, /size\.md does not show what is printed: node scripts\/printouts\.mjs/)
    assert.equal((await printouts('--page', copy)).failed, false)
    assert.equal(readFileSync(copy, 'utf8'), page)
  })

  it('say so where there is nothing to compare, or a command fails', async () => {
    writeFileSync(copy, page.replaceAll('```text', '```txt'))
    assert.match((await printouts('--check', '--page', copy)).said, /no command with its output/)
    writeFileSync(copy, page.replace('--pool 100', '--pools 100'))
    const { failed, said } = await printouts('--check', '--page', copy)
    assert.ok(failed)
    assert.match(said, /ended with 2\n.*--pools/)
  })
})
