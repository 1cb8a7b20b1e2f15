import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { battery, root, type Result } from './battery-run.ts'

describe('the fault battery', () => {
  let results: readonly Result[] = []
  before(async () => {
    results = await battery('--peer', 'sluice')
  })

  it('Sluice passes every case, through a semaphore, a limiter and a series', () => {
    assert.deepEqual(
      results.filter(({ verdict }) => verdict !== 'ok'),
      [],
    )
    assert.equal(new Set(results.map(({ peer }) => peer)).size, 3)
    assert.ok(results.length >= 3 * 24)
  })

  it('docs/battery.md has a row for each case and a column for each of ours', () => {
    const page = readFileSync(join(root, 'docs', 'battery.md'), 'utf8')
    const lines = page.split('\n').filter((line) => line.startsWith('| '))
    const names = [...new Set(results.map((result) => result.case))]
    const rows = lines.map((line) => line.split(' | ')[0]!.slice(2))
    assert.deepEqual(rows.slice(2, -1), names)
    for (const peer of [...results.map((result) => result.peer), 'naive callbacks', 'naive batches'])
      assert.ok(lines[0]!.includes(peer), `${peer} is missing`)
  })
})
