import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Standing } from '../../src/queue/standing.ts'

const SLOTS = 20

/** A gate of 20 slots that lets somebody in every `gap` ms while others wait; from 1000 on. */
class Door {
  readonly standing: Standing = new Standing()
  now = 1000
  readonly #gap: number
  #owed = 0

  constructor(gap: number = 2.5, slots: number = SLOTS) {
    this.#gap = gap
    this.standing.limited(slots)
    this.standing.resumed(this.now, 0)
  }

  get room(): number {
    return this.standing.room
  }

  /** Lets in so many, `left` waiting after each, and turns away `away` for each. */
  serve(dispatches: number, left: (index: number) => number, away: number = 0): void {
    for (let index = 0; index < dispatches; index++) {
      for (this.#owed += away; this.#owed >= 1 - 1e-9; this.#owed--) this.standing.turnedAway()
      this.now += this.#gap
      this.standing.dispatched(this.now, left(index), this.#gap)
    }
  }

  /** Dispatches until the room is shorter than for a burst; `Infinity` when a thousand are not enough. */
  until(left: (index: number) => number, away: number = 0): number {
    const burst = this.room
    for (let count = 1; count <= 1000; count++) {
      this.serve(1, () => left(count - 1), away)
      if (this.room < burst) return count
    }
    return Infinity
  }
}

describe('S1.4 a burst may wait', () => {
  it('in twice as many places as there are slots, and in sixteen where there are few', () => {
    assert.deepEqual(
      [1, 4, 8, 9, 20, 200].map((slots) => new Door(2.5, slots).room),
      [16, 16, 16, 18, 40, 400],
    )
    assert.equal(new Standing().room, Infinity, 'a gate that says nothing of its slots')
  })

  it('and is no standing queue however long it was, once it was short in between', () => {
    // 30 ms of a full queue in every 100.
    assert.equal(
      new Door().until((index) => (index % 40 < 12 ? 39 : 3)),
      Infinity,
    )
  })

  it('a few who are turned away are no flood', () => {
    assert.equal(
      new Door().until(() => 0, 0.4),
      Infinity,
    )
    const door = new Door()
    for (let count = 0; count < 8; count++) door.standing.turnedAway()
    door.serve(1, () => 39)
    assert.equal(door.room, 40)
  })
})

describe('S1.4 a queue that stands', () => {
  it('is told from a burst in two intervals, when it never was shorter than 0.3 × slots', () => {
    // An interval: 100 ms, thirty dispatches, twice the time in service (20 × 2.5 ms), whichever is longest.
    assert.equal(
      new Door(2.5).until(() => 6),
      80,
    )
    assert.equal(
      new Door(0.5).until(() => 6),
      400,
    )
    assert.equal(
      new Door(10).until(() => 6),
      80,
    )
    assert.equal(
      new Door(50, 1).until(() => 1),
      60,
    )
    assert.equal(
      new Door(2.5).until(() => 5),
      Infinity,
    )
  })

  it('with few slots: when it never was empty', () => {
    assert.notEqual(
      new Door(2.5, 2).until(() => 1),
      Infinity,
    )
    assert.equal(
      new Door(2.5, 2).until((index) => (index % 30 === 29 ? 0 : 1)),
      Infinity,
    )
  })

  it('a flood is seen within a few dispatches: no burst is that long', () => {
    assert.equal(
      new Door().until(() => 39, 1),
      16,
    )
    assert.equal(
      new Door().until(() => 39, 9),
      1,
    )
    assert.ok(new Door().until(() => 39, 0.75) < 40)
  })

  it('keeps 0.3 × slots, less where many more come than go, and never less than one', () => {
    const slow = new Door()
    slow.serve(81, () => 20)
    assert.equal(slow.room, 6)
    const kept = (away: number): number => {
      const door = new Door(2.5, 200)
      door.serve(2000, () => 100, away)
      return door.room
    }
    assert.deepEqual([0, 1, 2, 4, 100].map(kept), [60, 60, 30, 15, 1])
    const narrow = new Door(50, 2)
    narrow.serve(100, () => 2)
    assert.equal(narrow.room, 2, 'at few slots they come in fits and starts')
  })

  it('grows while slots stand idle although others are turned away: they come in clumps', () => {
    const door = new Door(2.5, 40)
    const interval = (idle: number): number => {
      for (let count = 0; count < idle; count++) door.standing.idled()
      // Twice the time in service: 2 × 40 × 2.5 ms.
      door.serve(80, () => 2, 1)
      return door.room
    }
    door.serve(1000, () => 20, 1)
    assert.equal(door.room, 12)
    assert.deepEqual([5, 5, 5, 5, 5, 5].map(interval), [24, 48, 80, 80, 80, 80], 'as for a burst at most')
    // One dispatch in twenty is no waste; what was granted is taken back little by little, from sixteen times on.
    const back = Array.from({ length: 40 }, () => interval(4))
    assert.deepEqual(back.slice(7, 10), [80, 74, 67])
    assert.equal(back.at(-1), 12)
  })

  it('what stood idle before the queue stood is not counted for long', () => {
    const door = new Door()
    for (let count = 0; count < 50; count++) door.standing.idled()
    door.serve(1000, () => 20)
    assert.equal(door.room, 6)
  })

  it('follows the slots', () => {
    const door = new Door()
    door.serve(81, () => 20)
    door.standing.limited(100)
    assert.equal(door.room, 30)
  })

  it('stands no more when it ran empty and at most one in fifty was turned away', () => {
    const standing = (): Door => {
      const door = new Door()
      door.serve(100, () => 20)
      assert.equal(door.room, 6)
      return door
    }
    const calm = standing()
    calm.serve(100, (index) => (index % 20 === 0 ? 0 : 5))
    assert.equal(calm.room, 40)
    const full = standing()
    full.serve(200, () => 1)
    assert.equal(full.room, 6, 'it never ran empty')
    // Two in a hundred of an interval: with 200 slots 400 dispatches.
    const crowded = (away: number): number => {
      const door = new Door(2.5, 200)
      door.serve(800, () => 100)
      assert.equal(door.room, 60)
      door.serve(400, () => 0, away)
      return door.room
    }
    assert.deepEqual([0, 0.01, 0.03].map(crowded), [400, 400, 60])
  })

  it('S1.5 is a burst where more than 5 % of the dispatches are left to those below, in 32 times in service', () => {
    const door = new Door()
    /** So many of a hundred are of those below, and nobody waits then unless `left` do. */
    const serve = (dispatches: number, below: number, left = 0): void => {
      for (let count = 0; count < dispatches; count++) {
        const is = (count * below) % 100 < below
        door.now += 2.5
        door.standing.dispatched(door.now, is ? left : 20, 2.5, is)
      }
    }
    serve(3000, 3)
    assert.equal(door.room, 40)
    serve(3000, 25)
    assert.equal(door.room, 320)
    // A while in which they get nothing is nothing yet: from 25 % to 5 takes 640 × ln(25 / 5) dispatches.
    serve(900, 0)
    assert.equal(door.room, 320)
    serve(200, 0)
    assert.equal(door.room, 6)
    serve(3000, 25, 1)
    assert.equal(door.room, 6, 'what goes to those below while somebody waits is not left over')
    serve(1000, 50)
    assert.equal(door.room, 320)
    for (let count = 0; count < 100; count++) door.standing.turnedAway()
    serve(1, 0)
    assert.ok(door.room < 10, 'until the long room is full as well')
    serve(1000, 50)
    door.standing.resumed(door.now + 10_000, 2.5)
    assert.equal(door.room, 40, 'and it is forgotten with all the rest')
  })

  it('nothing is known any more after four intervals in which nobody was let in', () => {
    const after = (ms: number): number => {
      const door = new Door()
      door.serve(100, () => 20)
      door.standing.resumed(door.now + ms, 2.5)
      return door.room
    }
    assert.deepEqual([after(400), after(401)], [6, 40])
    // … and begins anew: what was counted before is forgotten.
    const door = new Door()
    for (let count = 0; count < 8; count++) door.standing.turnedAway()
    door.standing.resumed(door.now + 401, 2.5)
    door.standing.turnedAway()
    door.serve(1, () => 39)
    assert.equal(door.room, 40)
  })
})
