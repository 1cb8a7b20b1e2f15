import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fixed } from '../../src/index.ts'
import { gateOf, simulate, VirtualClock, type GateData, type Scenario } from '../../src/sim/index.ts'

const twice: Scenario = {
  name: 'twice',
  warmup: 2000,
  plant: { kind: 'workers', slots: 10, service: 20 },
  load: { phases: [{ lasts: 12_000, times: 2 }] },
}

describe('gates as data', () => {
  const limits: GateData[] = [
    { limit: 12 },
    { limit: 'adaptive' },
    { limit: { name: 'adaptive', max: 50 } },
    { limit: 'aimd' },
    { limit: 'vegas' },
    { limit: 'gradient2' },
  ]
  const queues: GateData[] = [
    { queue: 'none' },
    ...['adaptiveLifo', 'codel', 'earliestDeadline', 'fair', 'fifo', 'lifo', 'priority'].map((name) => ({
      limit: 12,
      queue: { name, capacity: 10 },
    })),
  ]
  for (const gate of [...limits, ...queues])
    it(`makes ${JSON.stringify(gate)}, which lets work be done`, () => {
      const { total } = simulate({ ...twice, gate })
      assert.ok(total.good > 1000 && total.refused > 1000, `good ${total.good}, refused ${total.refused}`)
    })

  it('hands on options, thresholds and limits from outside', () => {
    const clock = new VirtualClock()
    const stats = (data: GateData): number | undefined => gateOf(data, { clock }, { mine: () => fixed(7) })?.stats.limit
    assert.equal(stats({ limit: { name: 'adaptive', initial: 33 } }), 33)
    assert.equal(stats({ limit: 'mine' }), 7)
    assert.equal(stats('none'), undefined)
    const gate = gateOf({ limit: 5, queue: 'fifo', threshold: 1 }, { clock })!
    assert.equal(gate.tryEnter().admitted, true)
    const refused = gate.tryEnter()
    assert.ok(!refused.admitted)
    assert.equal(refused.code, 'overload')
    assert.throws(() => stats({ limit: 'magic' }), /gate\.limit: expected one of adaptive, .*mine, got "magic"/)
    assert.throws(() => stats({ limit: 'constructor' }), /gate\.limit/)
  })

  it('lets nobody wait where the queue is none', () => {
    const { total } = simulate({ ...twice, gate: { queue: 'none' } })
    assert.equal(total.refusal.max, 0)
    assert.ok(
      simulate({ ...twice, gate: { limit: 12, queue: { name: 'fifo', maxWait: 50 } } }).total.refusal.max > 0,
      'control: in a queue they do',
    )
  })
})
