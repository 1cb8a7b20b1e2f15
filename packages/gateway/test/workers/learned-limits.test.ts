import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LimitPlan } from '../../src/config/index.ts'
import { learnedKey, LearnedLimits } from '../../src/workers/learned-limits.ts'
import { planOf } from '../integration/config-rig.ts'

/** The limit called default of such a plan. */
function limitOf(text: string): LimitPlan {
  const upstream = 'upstreams: { app: { servers: [{ url: "http://127.0.0.1:9" }] } }\ntenants: { from: address }\n'
  return planOf(`${upstream}limits: { default: { ${text} } }\n`).limits['default']!
}

/** What three workers may have in progress altogether, with one plan after the other. @param lingers requests of each stay open */
function limitsOf(texts: readonly string[], lingers = false): readonly number[] {
  const permits = new Map<string, number>()
  const limits = new LearnedLimits((worker, order) => permits.set(`${worker}/${order.part}`, order.permits))
  const quiet = { events: new Float64Array(), until: 0, inflight: 0, queued: 0, era: 0, since: 0 }
  let before: LimitPlan | undefined
  const found: number[] = []
  for (const [part, text] of texts.entries()) {
    const plan = limitOf(text)
    if (before !== undefined) limits.leaving({ default: before })
    permits.clear()
    for (const worker of [1, 2, 3]) {
      if (plan.kind === 'adaptive')
        limits.hear(worker, { ...quiet, key: learnedKey('default', plan), part, leaves: false })
      if (before?.kind === 'adaptive' && !lingers)
        limits.hear(worker, { ...quiet, key: learnedKey('default', before), part: part - 1, leaves: true })
    }
    limits.left()
    // What of the first plan is still open is heard of on.
    const [first] = lingers && part > 0 ? texts.map(limitOf) : []
    if (first?.kind === 'adaptive')
      limits.hear(1, { ...quiet, key: learnedKey('default', first), part: 0, leaves: false })
    const own = [...permits].filter(([member]) => member.endsWith(`/${part}`))
    found.push(own.reduce((sum, [, each]) => sum + each, 0))
    before = plan
  }
  return found
}

describe('a limit of workers that finds itself, in the place of another one', () => {
  it('S3.7 begins where that stood, as in one process, so that a reload, or the end of an order, refuses nobody', () => {
    assert.deepEqual(limitsOf(['kind: adaptive', 'kind: fixed, limit: 95', 'kind: adaptive']), [20, 0, 95])
    assert.deepEqual(limitsOf(['kind: adaptive', 'kind: fixed, limit: 95', 'kind: adaptive'], true), [20, 0, 95])
    assert.deepEqual(limitsOf(['kind: adaptive, initial: 60', 'kind: adaptive, initial: 5, max: 80']), [60, 60])
  })

  it('keeps within its own bounds, and takes nothing over that is no number of its own', () => {
    assert.deepEqual(limitsOf(['kind: fixed, limit: 95', 'kind: adaptive, max: 50']), [0, 50])
    assert.deepEqual(limitsOf(['kind: rate, requests: 500', 'kind: adaptive']), [0, 20])
    assert.deepEqual(limitsOf(['kind: fixed, limit: 500, by: tenant', 'kind: adaptive']), [0, 20])
  })
})
