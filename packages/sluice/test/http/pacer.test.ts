import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import { Pacer, type EventLoop } from '../../src/http/index.ts'
import type { Clock, Millis } from '../../src/index.ts'

/** A loop and its clock: a turn reads what has arrived, accepts one connection, and then does what was left to do. */
class Loop implements EventLoop {
  now = 1000
  accepted = 0
  turns = 0
  /** Connections that stand in line. */
  line = 0
  /** Called in each turn for what has arrived since the one before. */
  read: () => void = () => {}
  readonly errors: unknown[] = []
  #then: (() => void)[] = []
  readonly clock: Clock = {
    now: () => this.now,
    after: (_delay, run) => {
      try {
        run()
      } catch (error) {
        this.errors.push(error)
      }
      return { cancel() {}, [Symbol.dispose]() {} }
    },
  }

  afterReading(run: () => void): void {
    this.#then.push(run)
  }

  get asked(): boolean {
    return this.#then.length > 0
  }

  turn(): void {
    this.turns++
    this.now += 0.01
    if (this.line > 0) {
      this.line--
      this.accepted++
    }
    this.read()
    for (const run of this.#then.splice(0)) run()
  }

  /** As many turns as somebody asks for. */
  settle(): void {
    for (let turns = 0; this.asked; turns++) {
      assert.ok(turns < 100_000, 'the pacer lets nobody in any more')
      this.turn()
    }
  }
}

class Bench {
  readonly loop = new Loop()
  readonly pacer = new Pacer(this.loop, this.loop.clock)
  readonly started: { readonly name: string; readonly at: number; readonly turn: number; readonly waited: Millis }[] =
    []

  /** Work that computes for `ms` as it is started. */
  work(name: string, ms: Millis): { start(waited: Millis): void } {
    return {
      start: (waited) => {
        const { now, turns } = this.loop
        this.started.push({ name, at: now, turn: turns, waited })
        this.loop.now += ms
      },
    }
  }

  start(name: string, ms: Millis): void {
    this.pacer.start(this.work(name, ms))
  }

  get names(): string {
    return this.started.map(({ name }) => name).join('')
  }
}

describe('Pacer', () => {
  it('calm: starts at once, and asks nothing of the loop', () => {
    const bench = new Bench()
    for (let at = 0; at < 1000; at++) {
      bench.start('x', 0.1)
      // Calm is a loop that has time of its own now and then.
      bench.loop.now += 1
    }
    assert.equal(bench.started.length, 1000)
    assert.ok(bench.started.every(({ waited }) => waited === 0))
    assert.equal(bench.loop.asked, false)
  })

  it('short work is not held back as long as the loop comes round, for however many connections it is', () => {
    const bench = new Bench()
    for (let turn = 0; turn < 100; turn++) {
      // A millisecond of work a turn, without a pause.
      for (let at = 0; at < 50; at++) bench.start('x', 0.02)
      bench.loop.turn()
    }
    assert.equal(bench.started.length, 5000)
    assert.ok(bench.started.every(({ waited }) => waited === 0))
    // Control arm: the same in a loop that does not come round.
    for (let at = 0; at < 200; at++) bench.start('x', 0.02)
    assert.ok(bench.started.length < 5150, 'nobody was held back')
    bench.loop.settle()
    assert.equal(bench.started.length, 5200)
  })

  it('lets the loop read between any two pieces of work that compute; without a pacer it reads once in 100 ms', () => {
    const gaps = (start: (bench: Bench, at: number) => void): number => {
      const bench = new Bench()
      let last = bench.loop.now
      let longest = 0
      let arrivals = 20
      bench.loop.read = () => {
        longest = Math.max(longest, bench.loop.now - last)
        last = bench.loop.now
        for (; arrivals > 0; arrivals--) start(bench, arrivals)
      }
      bench.loop.turn()
      bench.loop.settle()
      bench.loop.turn()
      assert.equal(bench.started.length, 20)
      return longest
    }
    assert.ok(gaps((bench) => bench.start('x', 5)) < 5.1)
    // Control arm.
    assert.ok(gaps((bench) => bench.work('x', 5).start(0)) > 100)
  })

  it('short work shares a stretch, in the order it came', () => {
    const bench = new Bench()
    for (const name of 'abcdefghij') bench.start(name, 0.5)
    assert.equal(bench.names, 'abcd')
    bench.loop.settle()
    assert.equal(bench.names, 'abcdefghij')
    const turns = new Set(bench.started.map(({ turn }) => turn))
    assert.equal(turns.size, 3)
    assert.deepEqual(
      bench.started.slice(0, 4).map(({ waited }) => waited),
      [0, 0, 0, 0],
    )
    assert.ok(bench.started[4]!.waited > 0 && bench.started[4]!.waited < 2.1)
  })

  it('where reading takes long, those who are in get as much time as those who are refused', () => {
    const bench = new Bench()
    // Ten ms of every turn go on refusing.
    bench.loop.read = () => (bench.loop.now += 10)
    for (let at = 0; at < 200; at++) bench.start('x', 1)
    const from = bench.loop.now
    bench.loop.settle()
    const share = 198 / (bench.loop.now - from)
    assert.ok(share > 0.3, `${share} of the time went to work`)
  })

  it('starts nothing before a turn has gone by that accepted no connection', () => {
    const bench = new Bench()
    bench.start('a', 5)
    bench.start('b', 5)
    bench.loop.line = 200
    bench.loop.settle()
    assert.equal(bench.names, 'ab')
    assert.equal(bench.loop.line, 0)
    assert.ok(bench.started[1]!.turn > 200)
  })

  it('but waits for that no longer than the work before it took', () => {
    const bench = new Bench()
    bench.loop.line = Infinity
    for (const name of 'abcdefghij') bench.start(name, 5)
    const from = bench.loop.now
    bench.loop.settle()
    assert.equal(bench.names, 'abcdefghij')
    assert.ok(45 / (bench.loop.now - from) > 0.3, 'half of the time belongs to those who are in, more or less')
  })

  /** Work that starts at once and computes later, over connections that come, and what happens to the line for them. */
  function later(connections: number): { readonly bench: Bench; readonly line: number } {
    const bench = new Bench()
    for (let at = 0; at < 100; at++) {
      bench.loop.line += connections
      bench.start('x', 0.01)
      // While nothing is started the loop has nothing to do but turn.
      bench.loop.settle()
      bench.loop.now += 5
      bench.loop.turn()
    }
    return { bench, line: bench.loop.line }
  }

  it('work that computes later: now and then everybody in line for a connection is let in first', () => {
    const { bench, line } = later(3)
    assert.ok(line < 100, `${line} still stand in line`)
    assert.ok(bench.started.length > 50)
    // Control arm: one is accepted a turn, and two more come.
    const control = new Loop()
    for (let at = 0; at < 100; at++) {
      control.line += 3
      control.turn()
    }
    assert.equal(control.line, 200)
  })

  it('a line without end does not shut out those who are in', () => {
    const bench = new Bench()
    bench.loop.line = Infinity
    const from = bench.loop.now
    let free = 0
    while (bench.loop.now - from < 10_000) {
      bench.start('x', 0.01)
      const before = bench.loop.now
      if (bench.loop.asked) bench.loop.settle()
      else {
        bench.loop.now += 1
        bench.loop.turn()
        free += bench.loop.now - before
      }
    }
    const share = free / (bench.loop.now - from)
    assert.ok(share > 0.4, `${share} of the time belongs to those who are in`)
    assert.ok(share < 0.9, 'the others have some of it, too')
  })

  it('without connections, or with few, nobody is ever held back for them', () => {
    for (const connections of [0, 0.01]) {
      const { bench } = later(connections)
      assert.equal(bench.started.length, 100)
      assert.ok(bench.started.every(({ waited }) => waited === 0))
    }
  })

  it('what work throws at once surfaces where it was started, and what it throws later by itself', () => {
    const bench = new Bench()
    const failing = {
      start: () => {
        bench.loop.now += 5
        throw new Error('work')
      },
    }
    assert.throws(() => bench.pacer.start(failing), { message: 'work' })
    bench.pacer.start(failing)
    bench.start('b', 1)
    bench.loop.settle()
    assert.deepEqual(
      bench.loop.errors.map((error) => (error as Error).message),
      ['work'],
    )
    assert.equal(bench.names, 'b')
    bench.start('c', 1)
    assert.equal(bench.names, 'bc')
  })

  it('work that was held back is started in the async context of whoever asked', () => {
    const bench = new Bench()
    const context = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    const asking = (): void => {
      bench.pacer.start({
        start: () => {
          seen.push(context.getStore())
          bench.loop.now += 5
        },
      })
    }
    for (const name of ['a', 'b', 'c']) context.run(name, asking)
    context.run('the loop', () => bench.loop.settle())
    assert.deepEqual(seen, ['a', 'b', 'c'])
  })
})
