import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Source, type Pressure } from '../../src/ground/index.ts'
import { pressureLink, type LinkState } from '../../src/llm/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'

function linked(): { clock: VirtualClock; press: (level: number) => void; pressure: Source<Pressure> } {
  const clock = new VirtualClock(1000)
  let level = 0
  const pressure = new Source(() => ({ level, cause: 'below' }), clock)
  const press = (to: number): void => {
    level = to
    pressure.changed()
  }
  return { clock, press, pressure }
}

describe('pressureLink', () => {
  it('S2.6 lets everybody pass, and says that nobody above listens', () => {
    const { clock, press, pressure } = linked()
    const states: LinkState[] = []
    const link = pressureLink({ pressure, clock, grace: 100, most: 2, onState: (state) => states.push(state) })
    const come = (priority: 0 | 1 | 2 | 3): boolean => link.tryEnter({ priority }).admitted
    assert.deepEqual([come(0), link.state.value], [true, 'idle'])
    press(1.5)
    assert.equal(link.state.value, 'carrying')
    // They had not heard.
    clock.advance(100)
    for (let count = 0; count < 10; count++) assert.ok(come(0))
    assert.deepEqual([link.leaked, link.state.value], [0, 'carrying'])
    clock.advance(1)
    // Whoever is never held back may come.
    for (let count = 0; count < 10; count++) come(3)
    assert.deepEqual([link.leaked, link.state.value], [0, 'carrying'])
    come(2)
    assert.deepEqual([link.leaked, link.state.value], [1, 'carrying'])
    come(0)
    assert.deepEqual([link.leaked, link.state.value], [2, 'broken'])
    press(0)
    assert.deepEqual([link.state.value, states], ['idle', ['carrying', 'broken', 'idle']])
  })

  it('goes by class: what is only tight holds back only the lowest', () => {
    const { clock, press, pressure } = linked()
    const link = pressureLink({ pressure, clock, grace: 0, most: 1, thresholds: [0.5, 0.8, 1, 2] })
    press(0.6)
    clock.advance(1)
    link.tryEnter({ priority: 1 })
    assert.equal(link.leaked, 0)
    link.tryEnter({ priority: 0 })
    assert.equal(link.state.value, 'broken')
    assert.equal(link.pressure.value.level, 0.6)
    link.close()
    press(0)
    assert.equal(link.state.value, 'broken')
  })

  it('refuses options that make no sense', () => {
    const { pressure } = linked()
    assert.throws(() => pressureLink({ pressure, grace: -1 }), /pressureLink.grace/)
    assert.throws(() => pressureLink({ pressure, most: 0 }), /pressureLink.most/)
    assert.throws(() => pressureLink({ pressure, thresholds: [1, 0, 2, 3] }), /pressureLink.thresholds\[1\]/)
  })
})
