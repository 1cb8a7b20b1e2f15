import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { measured } from './measured.ts'

/** Measures a machine that is busy, or not, as told, run by run; what comes beyond that is an error. */
async function tried(runs: readonly boolean[], without: readonly boolean[]): Promise<string> {
  const [each, other] = [[...runs], [...without]]
  let skipped = false
  const result = await measured({
    test: { skip: () => (skipped = true) },
    run: async () => each.shift()!,
    busy: (busy) => busy,
    busyWithout: async () => other.shift()!,
  })
  assert.deepEqual([each, other], [[], []], 'runs left')
  return skipped ? 'skipped' : `measured: ${result === undefined ? 'nothing' : 'well'}`
}

describe('a bench on a machine that may be busy', () => {
  it('measures once where there is time, and again where there was not', async () => {
    assert.equal(await tried([false], []), 'measured: well')
    assert.equal(await tried([true, false], [false]), 'measured: well')
    assert.equal(await tried([true, true, false], [true]), 'measured: well')
  })

  it('is skipped where there is no time without the gateway either, asked as often as it takes', async () => {
    assert.equal(await tried([true, true, true], [true]), 'skipped')
    assert.equal(await tried([true, true, true], [false, false, true]), 'skipped')
  })

  it('fails where there is time, but for the gateway', async () => {
    await assert.rejects(tried([true, true, true], [false, false, false]), /it is what takes the time/)
  })
})
