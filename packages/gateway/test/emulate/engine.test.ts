import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import { Engine, type EngineOptions, type Generation } from '../../src/emulate/engine.ts'
import { near } from './model-world.ts'

class Reading {
  readonly at: number[] = []
  tokensSeen = 0
  beganAt: number | undefined
  finishedAt: number | undefined
  generation!: Generation
  readonly #clock: VirtualClock

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  began(): void {
    this.beganAt = this.#clock.now()
  }

  tokens(count: number): void {
    this.tokensSeen += count
    this.at.push(this.#clock.now())
  }

  finished(): void {
    this.finishedAt = this.#clock.now()
  }
}

function world(options: EngineOptions): {
  clock: VirtualClock
  engine: Engine
  start: (output: number, input?: number) => Reading
} {
  const clock = new VirtualClock()
  const engine = new Engine(options, clock, seeded(2))
  const start = (output: number, input = 0): Reading => {
    const reading = new Reading(clock)
    reading.generation = engine.generation(input, output, reading)
    engine.enter(reading.generation)
    return reading
  }
  return { clock, engine, start }
}

describe('Engine', () => {
  it('reads the prompt, then gives a token every so often', () => {
    const { clock, start } = world({ ttft: 200, prefill: 100, tokensPerSecond: 50 })
    const reading = start(4, 3000)
    clock.advance(1000)
    assert.equal(reading.beganAt, 500)
    assert.deepEqual(reading.at.map(Math.round), [520, 540, 560, 580])
    near(reading.finishedAt!, 580)
  })

  it('loses no speed to timers that fire late', () => {
    const clock = new VirtualClock()
    const late = { now: () => clock.now(), after: (delay: number, run: () => void) => clock.after(delay + 7, run) }
    const engine = new Engine({ tokensPerSecond: 100 }, late, seeded(2))
    const reading = new Reading(clock)
    engine.enter(engine.generation(0, 100, reading))
    clock.advance(10_000)
    assert.ok(reading.finishedAt! >= 1000 && reading.finishedAt! < 1020, `${reading.finishedAt}`)
  })

  it('gives chunks, the last one smaller', () => {
    const { clock, start } = world({ tokensPerSecond: 100, chunk: 4 })
    const reading = start(10)
    clock.advance(1000)
    assert.deepEqual(reading.at.map(Math.round), [40, 80, 120])
    assert.equal(reading.tokensSeen, 10)
  })

  it('without a speed all is there at once, and nothing waits for a timer', () => {
    const { clock, start } = world({})
    const reading = start(1000)
    assert.equal(reading.finishedAt, 0)
    assert.equal(reading.tokensSeen, 1000)
    assert.equal(clock.pending, 0)
  })

  it('has so many slots, and lets the next in when one is free', () => {
    const { clock, engine, start } = world({ slots: 2, waiting: 1, tokensPerSecond: 100 })
    const [first, second, third] = [start(10), start(20), start(10)]
    assert.deepEqual([engine.busy, engine.queued, engine.full], [2, 1, true])
    clock.advance(10_000)
    assert.deepEqual(
      [first, second, third].map((each) => Math.round(each.finishedAt!)),
      [100, 200, 200],
    )
    assert.deepEqual([engine.busy, engine.queued], [0, 0])
  })

  it('slows down with every further generation, and speeds up when one ends', () => {
    const { clock, start } = world({ tokensPerSecond: 100, slowdown: 1 })
    const [first, second] = [start(10), start(20)]
    clock.advance(10_000)
    // Two share: 50/s each, so the first takes 200 ms; the other has 10 left, alone at 100/s.
    near(first.finishedAt!, 200)
    near(second.finishedAt!, 300)
  })

  it('does all it can whoever comes when: 200 random generations take the work they are', () => {
    const { clock, engine, start } = world({ slots: 8, tokensPerSecond: 100, slowdown: 0.1 })
    const random = seeded(5)
    const all: Reading[] = []
    for (let index = 0; index < 200; index++) {
      all.push(start(1 + Math.floor(random() * 50)))
      clock.advance(random() * 60)
    }
    clock.advance(100_000)
    assert.ok(all.every((each) => each.finishedAt !== undefined))
    for (const { at } of all)
      for (let index = 1; index < at.length; index++) {
        const gap = at[index]! - at[index - 1]!
        // From 10 ms alone to 17 ms with all eight.
        assert.ok(gap > 10 - 1e-6 && gap < 17 + 1e-6, `${gap}`)
      }
    assert.equal(engine.busy, 0)
  })

  it('abandoned in every phase, it frees its slot at once and says no more', () => {
    const { clock, engine, start } = world({ slots: 1, ttft: 100, tokensPerSecond: 100 })
    const reading = start(100)
    const queued = start(100)
    queued.generation.cancel()
    assert.deepEqual([engine.busy, engine.queued], [1, 0])
    clock.advance(50)
    assert.equal(reading.generation.phase, 'first-token')
    reading.generation.cancel()
    assert.equal(engine.busy, 0)
    const next = start(100)
    clock.advance(155)
    assert.equal(next.generation.phase, 'decoding')
    assert.equal(next.tokensSeen, 5)
    next.generation.cancel()
    next.generation.cancel()
    clock.advance(10_000)
    assert.deepEqual([engine.busy, next.tokensSeen, queued.tokensSeen, reading.tokensSeen], [0, 5, 0, 0])
    assert.deepEqual([next.finishedAt, clock.pending], [undefined, 0])
  })

  it('held, it keeps its slot and goes on afterwards', () => {
    const { clock, engine, start } = world({ tokensPerSecond: 100 })
    const [held, other] = [start(10), start(100)]
    clock.advance(31)
    held.generation.hold(500)
    held.generation.hold(9999)
    clock.advance(400)
    assert.equal(held.tokensSeen, 3)
    assert.equal(engine.busy, 2)
    clock.advance(1000)
    near(held.finishedAt!, 31 + 500 + 70, 10)
    near(other.finishedAt!, 1000)
  })
})
