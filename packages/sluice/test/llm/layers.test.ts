import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LAYERS, playLayers, type LayersRun, type Seen } from './layers-stage.ts'

const EVENT = 10

function within({ seen }: LayersRun, from: number, to: number): Seen[] {
  return seen.filter(({ at }) => at >= from && at < to)
}

/** The part of those below the highest class that the door and the quotas let in. */
function admitted(run: LayersRun, from: number, to: number): number {
  const all = within(run, from, to).filter(({ priority }) => priority < 3)
  return all.filter(({ fate }) => fate !== 'door' && fate !== 'quotas').length / all.length
}

describe('four layers in one process', () => {
  it('S2.5 compose: everybody is let in while there is room, and one who is greedy only as far as its quota goes', async () => {
    const run = await playLayers({ rate: 45, event: { at: 34, seconds: 0 }, length: 35 })
    const fair = run.seen.filter(({ fate }) => fate === 'done')
    assert.equal(run.refusals.length, 0)
    assert.deepEqual([...new Set(run.seen.map(({ fate }) => fate))].sort(), ['done', 'quotas'])
    assert.ok(within(run, 25, 30).filter(({ fate }) => fate === 'quotas').length > 80)
    assert.equal(within(run, 0, 25).filter(({ fate }) => fate !== 'done').length, 0)
    assert.ok(Math.max(...fair.map(({ took }) => took)) < 2000)
  })

  it('S2.6 a 429 at the bottom narrows every layer above within one round trip, and eases', async () => {
    const run = await playLayers()
    const first = run.refusals[0]!
    assert.ok(first >= EVENT && first < EVENT + 0.1)
    assert.equal(admitted(run, EVENT - 5, EVENT), 1)
    // From the very first answer on: the next who come stand before a closed door, down to the quotas.
    assert.equal(admitted(run, first, first + 3.5), 0)
    // Nobody of those classes got any further, so that there is room for those who are never held back.
    const highest = within(run, first, first + 4).filter(({ priority }) => priority === 3)
    assert.ok(highest.length > 30 && highest.every(({ fate }) => fate === 'done'))
    assert.ok(Math.max(...run.points.map(({ queued }) => queued)) < 60)
    assert.ok(run.refusals.length <= 8, `${run.refusals.length} times 429`)
    // Four seconds later it is over, and within two more as before.
    assert.ok(admitted(run, EVENT + 4, EVENT + 6) > 0.9, `${admitted(run, EVENT + 4, EVENT + 6)}`)
    assert.equal(admitted(run, EVENT + 6, EVENT + 12), 1)
    assert.equal(run.points.at(-1)!.pressure, 0)
  })

  it('S2.6 a broken link is visible, and what it costs', async () => {
    const whole = await playLayers({ length: 20 })
    const broken = await playLayers({ length: 20, hears: false })
    assert.deepEqual([...new Set(whole.points.map(({ link }) => link))], ['idle', 'carrying'])
    assert.equal(whole.link.leaked, 0)
    assert.deepEqual([...new Set(broken.points.map(({ link }) => link))].sort(), ['broken', 'carrying', 'idle'])
    const shown = broken.points.find(({ link }) => link === 'broken')!
    assert.ok(shown.at < EVENT + 1.2, `${shown.at} s`)
    assert.equal(broken.link.state.value, 'idle')
    // The door lets everybody in, to be refused further in, or to wait behind a queue that is full.
    assert.ok(admitted(broken, EVENT + 0.5, EVENT + 3.5) === 1)
    assert.equal(Math.max(...broken.points.map(({ queued }) => queued)), 60)
    const deep = within(broken, EVENT, EVENT + 4).filter(({ fate }) => fate !== 'done')
    assert.ok(deep.every(({ fate }) => LAYERS.indexOf(fate as (typeof LAYERS)[number]) >= 2))
  })
})
