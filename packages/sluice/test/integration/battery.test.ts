import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../../../', import.meta.url))

interface Result {
  readonly peer: string
  readonly case: string
  readonly verdict: 'ok' | 'FAIL' | '–'
  readonly why: string
}

/** Runs a part of `npm run bench -- battery`. */
function battery(...args: readonly string[]): Promise<readonly Result[]> {
  const script = join(root, 'bench', 'battery.mjs')
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [script, '--json', ...args], { timeout: 120_000 }, (error, output, complaint) => {
      if (output === '') reject(error ?? new Error(complaint))
      else resolve(JSON.parse(output) as readonly Result[])
    })
  })
}

/** Faults of peers that nobody disputes: one for each family of cases. */
const known: readonly (readonly [peer: string, name: string])[] = [
  ['cockatiel', 'abort while queued: the next one is served'],
  ['cockatiel', 'async context of whoever asked'],
  ['p-queue', 'never settles: no more at work than there are slots'],
  ['p-limit', '20,000 calls at capacity'],
  ['async-sema', 'a slot given back twice'],
]

describe('the fault battery', () => {
  const ours = battery('--peer', 'sluice')
  // Not at the same time: both measure.
  const naive = ours.then(() => battery('--peer', 'naive'))

  it('Sluice passes every case, through a semaphore, a limiter and a series', async () => {
    const results = await ours
    assert.deepEqual(
      results.filter(({ verdict }) => verdict !== 'ok'),
      [],
    )
    assert.equal(new Set(results.map(({ peer }) => peer)).size, 3)
    assert.ok(results.length >= 3 * 24)
  })

  it('control: every case is failed by one of the two naive ones, and neither fails them all', async () => {
    const results = await naive
    const cases = [...new Set((await ours).map((result) => result.case))]
    const failed = (name: string): boolean => results.some((one) => one.case === name && one.verdict === 'FAIL')
    assert.deepEqual(
      cases.filter((name) => !failed(name)),
      [],
    )
    for (const peer of ['naive callbacks', 'naive batches'])
      assert.ok(results.filter((one) => one.peer === peer && one.verdict === 'ok').length >= 5, peer)
  })

  for (const [peer, name] of known)
    it(`control: ${peer} fails “${name}”`, async () => {
      const results = await battery('--peer', peer, '--case', name)
      assert.deepEqual(
        results.map(({ verdict }) => verdict),
        ['FAIL'],
      )
    })

  it('docs/battery.md has a row for each case and a column for each of ours', async () => {
    const page = readFileSync(join(root, 'docs', 'battery.md'), 'utf8')
    const lines = page.split('\n').filter((line) => line.startsWith('| '))
    const results = [...(await ours), ...(await naive)]
    const names = [...new Set(results.map((result) => result.case))]
    const rows = lines.map((line) => line.split(' | ')[0]!.slice(2))
    assert.deepEqual(rows.slice(2, -1), names)
    for (const { peer } of results) assert.ok(lines[0]!.includes(peer), `${peer} is missing`)
  })
})
