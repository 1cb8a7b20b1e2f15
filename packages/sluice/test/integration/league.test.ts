import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../../../', import.meta.url))
const page = join(root, 'docs', 'league.md')

/** Plays a part of the league again and compares it with a page. */
function check(file: string): Promise<{ readonly stale: boolean; readonly said: string }> {
  const script = join(root, 'scripts', 'league.mjs')
  return new Promise((resolve) => {
    execFile(process.execPath, [script, '--check', '--built', '--page', file], { timeout: 120_000 }, (error, _, said) =>
      resolve({ stale: error !== null, said }),
    )
  })
}

describe('the league', () => {
  const folder = mkdtempSync(join(tmpdir(), 'league-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('S1.3 plays again as its page says', async () => {
    const { stale, said } = await check(page)
    assert.equal(stale, false, said)
  })

  it('notices a figure that is not what comes out', async () => {
    const line = /^\| 1 × 20 ms, constant \| adaptive \| default \| 0\.\d{3} \//m
    const text = readFileSync(page, 'utf8')
    assert.match(text, line)
    const other = join(folder, 'league.md')
    writeFileSync(
      other,
      text.replace(line, (found) => found.replace(/0\.\d{3} \/$/, '0.123 /')),
    )
    const { stale, said } = await check(other)
    assert.equal(stale, true)
    assert.match(said, /^- \| 1 × 20 ms, constant \| adaptive \| default \| 0\.123 /m)
  })
})
