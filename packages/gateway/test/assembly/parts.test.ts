import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { closeParts, NOTHING, partsOf, type Running } from '../../src/assembly/parts.ts'
import { planOf } from '../integration/config-rig.ts'

const UPSTREAM = 'upstreams: { app: { servers: [{ url: "http://127.0.0.1:9" }] } }\ntenants: { from: address }\n'

/** What the limit called default is, with one plan after the other. */
async function limitsOf(...limits: readonly string[]): Promise<readonly number[]> {
  let running: Running = NOTHING
  const found: number[] = []
  for (const limit of limits) {
    const plan = planOf(`${UPSTREAM}limits: { default: { ${limit} }, other: { kind: fixed, limit: 7 } }\n`)
    const parts = partsOf(plan, running, () => ({}), undefined)
    found.push(parts.unit('default').gate.stats.limit)
    await closeParts(running, parts)
    running = parts
  }
  await closeParts(running)
  return found
}

describe('a limit that finds itself, in the place of another one', () => {
  it('begins where that stood, so that a reload, or the end of an order, refuses nobody', async () => {
    assert.deepEqual(await limitsOf('kind: adaptive', 'kind: fixed, limit: 95', 'kind: adaptive'), [20, 95, 95])
    assert.deepEqual(await limitsOf('kind: adaptive, initial: 60', 'kind: adaptive, initial: 5, max: 80'), [60, 60])
  })

  it('keeps within its own bounds, said or not', async () => {
    assert.deepEqual(await limitsOf('kind: fixed, limit: 5000', 'kind: adaptive'), [5000, 1000])
    assert.deepEqual(await limitsOf('kind: fixed, limit: 95', 'kind: adaptive, max: 50'), [95, 50])
    assert.deepEqual(await limitsOf('kind: fixed, limit: 95', 'kind: adaptive, algorithm: aimd, min: 2000'), [95, 2000])
    for (const algorithm of ['aimd', 'vegas', 'gradient2']) {
      assert.deepEqual(await limitsOf('kind: fixed, limit: 3', `kind: adaptive, algorithm: ${algorithm}`), [3, 10])
      assert.deepEqual(
        await limitsOf('kind: fixed, limit: 3', `kind: adaptive, algorithm: ${algorithm}, max: 4`),
        [3, 4],
      )
    }
  })

  it('takes nothing over that is no number of its own: a rate, or a limit for each tenant', async () => {
    assert.deepEqual((await limitsOf('kind: rate, requests: 500', 'kind: adaptive')).at(-1), 20)
    assert.deepEqual((await limitsOf('kind: fixed, limit: 500, by: tenant', 'kind: adaptive')).at(-1), 20)
  })
})
