import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fair, fifo, semaphore, type QueueDiscipline } from '../../src/index.ts'
import { hashOf } from '../../src/ground/index.ts'
import { VirtualClock } from '../../src/sim/index.ts'
import { LineUp } from './line-up.ts'

interface Demand {
  readonly flow: string
  /** Arrivals a second. */
  readonly rate: number
  readonly cost?: number
  /** What it takes in the end, where its estimate is wrong. */
  readonly actual?: number
}

/** Offers flows to eight slots of 80 ms, 100 of cost 1 a second; the share of the work that each gets. */
function shares(queue: QueueDiscipline, demands: readonly Demand[]): number[] {
  const clock = new VirtualClock(1000)
  const gate = semaphore({ permits: 8, queue, clock })
  const done = demands.map(() => 0)
  for (const [index, { flow, rate, cost = 1, actual = cost }] of demands.entries()) {
    const arrive = (): void => {
      clock.after(1000 / rate, arrive)
      gate.enter({ flow, cost }, (verdict) => {
        if (!verdict.admitted) return
        clock.after(80, () => {
          if (clock.now() > 11_000) done[index]! += actual
          verdict.release('success', actual)
        })
      })
    }
    // Not all at the same instant: in lockstep the order of the flows would decide, and not the queue.
    clock.after(index * 0.37, arrive)
  }
  clock.advance(70_000)
  const total = done.reduce((a, b) => a + b)
  return done.map((work) => work / total)
}

const near = (actual: number | undefined, expected: number, within: number): void =>
  assert.ok(Math.abs(actual! - expected) <= within, `${actual}, expected ${expected}`)

describe('S1.13 fair', () => {
  it('S1.13 two flows that ask 10 to 1, both for more than their share, get 1 to 1', () => {
    const [greedy, modest] = shares(fair({ capacity: 100 }), [
      { flow: 'greedy', rate: 1000 },
      { flow: 'modest', rate: 100 },
    ])
    near(greedy, 0.5, 0.025)
    near(modest, 0.5, 0.025)
  })

  it('control: first in, first out they get what they ask for', () => {
    const [greedy] = shares(fifo({ capacity: 100 }), [
      { flow: 'greedy', rate: 1000 },
      { flow: 'modest', rate: 100 },
    ])
    assert.ok(greedy! > 0.85, `${greedy}`)
  })

  it('S1.13 one that asks for less than its share gets all of it, and the others what it leaves', () => {
    const [quiet, first, second] = shares(fair({ capacity: 100 }), [
      { flow: 'quiet', rate: 20 },
      { flow: 'first', rate: 300 },
      { flow: 'second', rate: 900 },
    ])
    near(quiet, 0.2, 0.01)
    near(first, 0.4, 0.02)
    near(second, 0.4, 0.02)
  })

  it('S1.13 shares are of cost, and not of arrivals', () => {
    const [wide, narrow] = shares(fair({ capacity: 100 }), [
      { flow: 'wide', rate: 200, cost: 4 },
      { flow: 'narrow', rate: 200 },
    ])
    near(wide, 0.5, 0.03)
    near(narrow, 0.5, 0.03)
  })

  it('S1.13 what it really took counts: who asks for one and takes four gets no more for it', () => {
    const [liar, honest] = shares(fair({ capacity: 100 }), [
      { flow: 'liar', rate: 300, cost: 1, actual: 4 },
      { flow: 'honest', rate: 300 },
    ])
    near(liar, 0.5, 0.03)
    near(honest, 0.5, 0.03)
  })

  it('control: where nothing is settled the liar takes four times as much', () => {
    const inner = fair({ capacity: 100 })
    const unsettled: QueueDiscipline = {
      name: 'unsettled',
      maxWait: inner.maxWait,
      open: <W extends Parameters<ReturnType<typeof inner.open>['push']>[0]>() => {
        const queue = inner.open<W>()
        Object.defineProperty(queue, 'settle', { value: undefined })
        return queue
      },
    }
    const [liar] = shares(unsettled, [
      { flow: 'liar', rate: 300, cost: 1, actual: 4 },
      { flow: 'honest', rate: 300 },
    ])
    near(liar, 0.8, 0.03)
  })

  it('S1.13 idle time is not saved up: one that comes back gets its share, and no more', () => {
    const line = new LineUp(fair({ capacity: 10_000 }))
    for (let count = 0; count < 1000; count++) line.push('busy', { flow: 'busy' })
    line.push('idle', { flow: 'idle' })
    line.drain(900)
    for (let count = 0; count < 50; count++) line.push('idle', { flow: 'idle' })
    const next = line.drain(40)
    const idle = next.filter((name) => name === 'idle').length
    // Half, and the few turns that may be saved.
    assert.ok(idle >= 20 && idle <= 22, `${idle} of 40`)
  })

  it('S1.13 nor is what was had while alone held against anybody', () => {
    const line = new LineUp(fair({ capacity: 10_000 }))
    for (let count = 0; count < 5000; count++) line.push('alone', { flow: 'alone' })
    line.drain(5000)
    for (let count = 0; count < 100; count++) {
      line.push('alone', { flow: 'alone' })
      line.push('new', { flow: 'new' })
    }
    const alone = line.drain(40).filter((name) => name === 'alone').length
    assert.ok(alone >= 18 && alone <= 20, `${alone} of 40`)
  })

  it('S1.13 full, a newcomer pushes out the newest of whoever comes last of all, unless that is its own', () => {
    const line = new LineUp(fair({ capacity: 4, hand: 1 }))
    for (const name of ['a1', 'a2', 'a3', 'a4']) line.push(name, { flow: 'a' })
    assert.ok(line.queue.rejects({ flow: 'a' }))
    assert.equal(line.push('a5', { flow: 'a' }), 'a5')
    assert.ok(!line.queue.rejects({ flow: 'b' }))
    assert.equal(line.push('b1', { flow: 'b' }), 'a4')
    assert.equal(line.push('b2', { flow: 'b' }), 'a3')
    assert.equal(line.push('b3', { flow: 'b' }), 'b3', 'two and two is fair')
    assert.deepEqual(line.drain().sort(), ['a1', 'a2', 'b1', 'b2'])
  })

  it('S1.4 what a newcomer would wait goes by its own line, and by how many others wait', () => {
    const line = new LineUp(fair({ hand: 1 }))
    for (let count = 0; count < 60; count++) line.push('busy', { flow: 'busy' })
    for (let count = 0; count < 20; count++) {
      line.now += 10
      line.take()
    }
    assert.equal(line.queue.expectedWait!({ flow: 'busy' }), 400, 'behind forty')
    assert.equal(line.queue.expectedWait!({ flow: 'new' }), 0, 'before all of them')
    line.push('new', { flow: 'new' })
    assert.equal(line.take()!.name, 'new')
  })

  it('S1.13 a quiet flow comes before those who had more, though they are many', () => {
    const line = new LineUp(fair({ capacity: 10_000 }))
    for (let time = 0; time < 10; time++)
      for (let flow = 0; flow < 100; flow++) line.push('busy', { flow: `busy ${flow}` })
    line.drain(500)
    for (let time = 0; time < 3; time++) line.push('quiet', { flow: 'quiet' })
    assert.deepEqual(line.drain(4), ['quiet', 'quiet', 'quiet', 'busy'])
  })

  it('S1.13 who had its turns and has nobody waiting is not forgotten before the others had as many', () => {
    const line = new LineUp(fair({ capacity: 10_000 }))
    for (let time = 0; time < 200; time++) line.push('busy', { flow: 'busy' })
    line.drain(50)
    const had = (): number => {
      let turns = 0
      // It comes again as soon as it was served, and never has two waiting.
      for (let round = 0; round < 40; round++) {
        if (!waits) line.push('one by one', { flow: 'one by one' })
        waits = line.take()!.name !== 'one by one'
        if (!waits) turns++
      }
      return turns
    }
    let waits = false
    const turns = had()
    assert.ok(turns >= 20 && turns <= 22, `${turns} of 40`)
  })

  it('S1.4 whoever is too late is given up when its turn comes', () => {
    const line = new LineUp(fair())
    line.push('late', { flow: 'a', expires: 1001, deadline: true })
    line.push('fine', { flow: 'b' })
    line.now = 1001
    assert.deepEqual(line.drain(), ['fine'])
    assert.deepEqual(line.refused, ['late: deadline'])
  })

  it('options out of range are named', () => {
    for (const [options, message] of [
      [{ lines: 0 }, /fair\.lines/],
      [{ hand: 9 }, /fair\.hand/],
      [{ lines: 2, hand: 3 }, /fair\.hand/],
    ] as const)
      assert.throws(() => fair(options), { name: 'RangeError', message })
  })
})

describe('S1.13 a line for each flow', () => {
  it('S1.13 a flood gets one share, and not one for every line of its hand', () => {
    const line = new LineUp(fair({ capacity: 100_000 }))
    for (let time = 0; time < 1000; time++) line.push('flood', { flow: 'flood' })
    for (let time = 0; time < 20; time++) for (let flow = 0; flow < 50; flow++) line.push('one', { flow: `${flow}` })
    const flood = line.drain(51 * 10).filter((name) => name === 'flood').length
    assert.ok(flood >= 9 && flood <= 11, `${flood} turns, ten each`)
  })

  it('S1.13 a thousand flows that all wait are let out in turns: nobody twice before everybody once', () => {
    const line = new LineUp(fair({ capacity: 100_000 }))
    const flows = Array.from({ length: 1000 }, (_, index) => `flow-${index}`)
    for (let time = 0; time < 3; time++) for (const flow of flows) line.push(flow, { flow })
    for (let turn = 0; turn < 3; turn++) assert.equal(new Set(line.drain(1000)).size, 1000)
  })

  it('control: with fewer lines than flows some share one', () => {
    const line = new LineUp(fair({ capacity: 100_000, lines: 512 }))
    for (let flow = 0; flow < 1000; flow++)
      for (let time = 0; time < 3; time++) line.push(`${flow}`, { flow: `${flow}` })
    const first = new Set(line.drain(1000)).size
    assert.ok(first >= 450 && first <= 700, `${first} of a thousand flows`)
    assert.equal(line.drain().length, 2000, 'and all of them are let out')
  })
})

/** A gate of 20 slots before it, and three newcomers of thirty flows for each that is let out; then all who may come. */
function crowd(line: LineUp, dispatches: number): void {
  line.queue.limited!(20)
  for (let count = 0; count < dispatches; count++) {
    for (let more = 0; more < 3; more++) {
      const flow = `flood ${(3 * count + more) % 30}`
      if (!line.queue.rejects({ flow })) line.push('flood', { flow })
    }
    line.now += 2.5
    line.take()
  }
  for (let flow = 0; flow < 30; flow++)
    while (!line.queue.rejects({ flow: `flood ${flow}` })) line.push('flood', { flow: `flood ${flow}` })
}

describe('S1.4 S1.13 fair({ standing: false })', () => {
  it('S1.4 a burst may wait, and a queue that does not drain is kept short', () => {
    const line = new LineUp(fair({ standing: false }))
    line.queue.limited!(20)
    assert.equal(line.queue.capacity, 40)
    crowd(line, 300)
    assert.equal(line.queue.capacity, 3)
    assert.equal(line.queue.size, 3)
  })

  it('S1.13 a quiet flow gets in all the same: whoever comes last of all makes room', () => {
    const line = new LineUp(fair({ standing: false }))
    crowd(line, 300)
    for (let flow = 0; flow < 30; flow++) assert.ok(line.queue.rejects({ flow: `flood ${flow}` }))
    assert.ok(!line.queue.rejects({ flow: 'quiet' }))
    assert.equal(line.push('quiet', { flow: 'quiet' }), 'flood')
    assert.equal(line.take()!.name, 'quiet')
  })

  it('S1.4 grows where slots fell free and nobody was there to take them', () => {
    const room = (idled: number): number => {
      const line = new LineUp(fair({ standing: false }))
      crowd(line, 300)
      for (let count = 0; count < idled; count++) line.queue.idled!()
      crowd(line, 80)
      return line.queue.capacity
    }
    assert.ok(room(50) > room(0), `${room(50)} and ${room(0)} places`)
  })

  it('control: by default a queue may stand', () => {
    const line = new LineUp(fair())
    crowd(line, 300)
    assert.equal(line.queue.capacity, 1000)
    assert.doesNotThrow(() => line.queue.idled!())
  })
})

describe('S1.13 shuffle sharding', () => {
  /** A flood by `attackers` flows, and one that comes for every ten of theirs; how often each of the others waits. */
  const waitsBehind = (lines: number, hand: number, attackers: number): number => {
    const quiet = 200
    let behind = 0
    for (let tenant = 0; tenant < quiet; tenant++) {
      const line = new LineUp(fair({ capacity: 100_000, lines, hand }))
      for (let count = 0; count < 40 * hand * attackers; count++)
        line.push('flood', { flow: `attacker ${count % attackers}` })
      line.push('quiet', { flow: `tenant ${tenant}` })
      // Every line there is gets a turn before any gets its second.
      const turns = line.drain(hand * attackers + 1)
      if (!turns.includes('quiet')) behind++
    }
    return behind / quiet
  }

  it('S1.13 a flood by one flow meets a quiet one in all of its lines hardly ever', () => {
    assert.equal(waitsBehind(512, 4, 1), 0)
  })

  it('S1.13 a flood by ten flows neither', () => {
    assert.ok(waitsBehind(512, 4, 10) <= 0.01)
  })

  it('control: with a hand of one, and few lines, it meets many', () => {
    assert.ok(waitsBehind(16, 1, 10) > 0.2)
  })

  it('S1.13 memory does not grow with the flows: who waits no more and owes nothing leaves its line', () => {
    const line = new LineUp(fair({ capacity: 10, lines: 8, hand: 2 }))
    for (let flow = 0; flow < 10_000; flow++) {
      line.push(`${flow}`, { flow: `flow ${flow}` })
      line.drain(1)
    }
    assert.equal(line.queue.size, 0)
  })

  it('S1.13 hashes spread flows with similar names evenly over the lines', () => {
    const counts = Array.from({ length: 512 }, () => 0)
    for (let flow = 0; flow < 51_200; flow++) counts[hashOf(`tenant-${flow}`) % 512]!++
    assert.ok(Math.max(...counts) < 160 && Math.min(...counts) > 50, `${Math.min(...counts)}…${Math.max(...counts)}`)
  })
})
