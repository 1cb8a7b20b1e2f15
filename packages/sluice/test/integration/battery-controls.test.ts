import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { battery } from './battery-run.ts'

const NAIVE = ['naive callbacks', 'naive batches'] as const

/** Faults of peers that nobody disputes: one for each family of cases. */
const KNOWN: readonly (readonly [peer: string, name: string])[] = [
  ['cockatiel', 'abort while queued: the next one is served'],
  ['cockatiel', 'async context of whoever asked'],
  ['p-queue', 'never settles: no more at work than there are slots'],
  ['p-limit', '20,000 calls at capacity'],
  ['async-sema', 'a slot given back twice'],
]

// Whoever fails does so on a busy machine as well, and mostly by never ending: they can wait for it together.
describe('the controls of the fault battery', { concurrency: true }, () => {
  it('every case is failed by one of the two naive ones, and neither fails them all', async () => {
    const results = (await Promise.all(NAIVE.map((peer) => battery('--peer', peer)))).flat()
    const cases = [...new Set(results.map((result) => result.case))]
    assert.ok(cases.length >= 24)
    const failed = (name: string): boolean => results.some((one) => one.case === name && one.verdict === 'FAIL')
    assert.deepEqual(
      cases.filter((name) => !failed(name)),
      [],
    )
    for (const peer of NAIVE)
      assert.ok(results.filter((one) => one.peer === peer && one.verdict === 'ok').length >= 5, peer)
  })

  for (const [peer, name] of KNOWN)
    it(`${peer} fails “${name}”`, async () => {
      const results = await battery('--peer', peer, '--case', name)
      assert.deepEqual(
        results.map(({ verdict }) => verdict),
        ['FAIL'],
      )
    })
})
