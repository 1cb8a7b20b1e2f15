import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Alert } from '../../src/observe/index.ts'
import { rig } from './monitor-rig.ts'

/** An alert that notes what happened. */
function noting(when: Alert['when'], notes: string[]): Alert {
  return {
    name: 'noted',
    when,
    action: ({ reading }) => notes.push(`raised at ${(reading.at - 1e6) / 1000}`),
    cleared: ({ reading }) => notes.push(`cleared at ${(reading.at - 1e6) / 1000}`),
  }
}

describe('alerts', () => {
  it('S2.7 fire once an episode, after a time, and clear at the lower figure', () => {
    const notes: string[] = []
    const alerts = [noting({ metric: 'depth', above: 5, below: 2, for: 2000 }, notes)]
    const { clock, watch, arrive, leave } = rig({ alerts })
    arrive(8)
    clock.advance(2000)
    assert.deepEqual(notes, [])
    clock.advance(1000)
    assert.deepEqual(notes, ['raised at 3'])
    assert.deepEqual(watch.raised, ['noted'])
    clock.advance(10_000)
    leave(4)
    clock.advance(5000)
    arrive(4)
    clock.advance(5000)
    assert.deepEqual(notes, ['raised at 3'], 'one episode, though it went below `above` and back')
    leave(6)
    clock.advance(1000)
    assert.deepEqual(notes, ['raised at 3', 'cleared at 24'])
    assert.deepEqual(watch.raised, [])
    arrive(6)
    clock.advance(3000)
    assert.deepEqual(notes.slice(2), ['raised at 27'])
    watch[Symbol.dispose]()
  })

  it('S2.7 do not fire for a peak shorter than the time, and without one fire at once', () => {
    const patient: string[] = []
    const hasty: string[] = []
    const alerts = [
      noting({ metric: 'depth', above: 5, for: 2000 }, patient),
      noting({ metric: 'depth', above: 5 }, hasty),
    ]
    const { clock, watch, arrive, leave } = rig({ alerts })
    arrive(8)
    clock.advance(2000)
    leave(8)
    clock.advance(5000)
    assert.deepEqual(patient, [])
    assert.deepEqual(hasty, ['raised at 1', 'cleared at 3'])
    watch[Symbol.dispose]()
  })

  it('S2.7 that could never fire say so at once', () => {
    const alert = (fields: object): Alert => ({
      name: 'queue',
      when: { metric: 'depth', above: 5 },
      action() {},
      ...fields,
    })
    const refused: readonly (readonly [fields: object, message: RegExp])[] = [
      [
        { when: { metric: 'queueDepth', above: 5 } },
        /^monitor\.alerts\.queue\.when\.metric: .*depth, .*got "queueDepth"$/,
      ],
      [{ when: { metric: 'at', above: 5 } }, /^monitor\.alerts\.queue\.when\.metric: .*got "at"$/],
      [{ when: { above: 5 } }, /^monitor\.alerts\.queue\.when\.metric: .*got undefined$/],
      [{ when: 'depth > 5' }, /^monitor\.alerts\.queue\.when: expected an object of options, got "depth > 5"$/],
      [{ action: 'warn' }, /^monitor\.alerts\.queue\.action: expected a function, got "warn"$/],
    ]
    for (const [fields, message] of refused)
      assert.throws(() => rig({ alerts: [alert(fields)] }), { name: 'RangeError', message })
    const { watch, clock } = rig({ alerts: [alert({})] })
    watch[Symbol.dispose]()
    assert.equal(clock.pending, 0)
  })

  it('S2.7 are all looked at, whatever is thrown by an action, by who is told of that, and by who reads along', () => {
    const notes: string[] = []
    const fails = (): never => {
      throw new Error('thrown in a monitor')
    }
    const broken: Alert = { name: 'broken', when: { metric: 'depth', above: 0 }, action: fails }
    const { clock, watch, arrive } = rig({
      alerts: [broken, noting({ metric: 'depth', above: 0 }, notes)],
      failed: fails,
    })
    using _reader = watch.subscribe(fails)
    arrive(2)
    // Each surfaces by itself, on the monitor's own clock.
    for (let error = 0; error < 2; error++) assert.throws(() => clock.advance(1000), /thrown in a monitor/)
    assert.deepEqual([notes, watch.raised, watch.failures], [['raised at 1'], ['broken', 'noted'], 1])
    watch[Symbol.dispose]()
  })

  it('S2.7 may ask any question of a reading', () => {
    const notes: string[] = []
    const alerts = [noting(({ utilization, depth }) => utilization === 1 && depth === 0, notes)]
    const { clock, watch, arrive, leave } = rig({ alerts })
    arrive(1)
    clock.advance(2000)
    leave(1)
    clock.advance(2000)
    assert.deepEqual(notes, ['raised at 1', 'cleared at 3'])
    watch[Symbol.dispose]()
  })

  it('S2.7 switch on shedding, which ends the episode', () => {
    let shedding = false
    const shed: Alert = {
      name: 'shed',
      when: { metric: 'waitMax', above: 1500, below: 500 },
      action: () => (shedding = true),
      cleared: () => (shedding = false),
    }
    const { clock, watch, arrive, leave } = rig({ alerts: [shed], window: 5000 })
    const seen: boolean[] = []
    for (let second = 0; second < 30; second++) {
      // Two a second against one a second done, for as long as nobody sheds.
      if (!shedding && second < 10) arrive(2)
      clock.advance(1000)
      leave(1)
      seen.push(shedding)
    }
    assert.equal(seen[0], false)
    assert.ok(seen.includes(true))
    assert.equal(seen.at(-1), false)
    assert.equal(seen.filter((on, index) => on !== seen[index - 1]).length, 3, 'off, on, off')
    watch[Symbol.dispose]()
  })

  it('survive actions that throw or reject, and tell', async () => {
    const errors: string[] = []
    const notes: string[] = []
    const when = { metric: 'utilization', above: 0.5 } as const
    const alerts: Alert[] = [
      {
        name: 'throws',
        when,
        action: () => {
          throw new Error('no pager')
        },
      },
      { name: 'rejects', when, action: () => Promise.reject(new Error('no cloud')) },
      {
        name: 'asks wrongly',
        when: () => {
          throw new Error('no sense')
        },
        action: () => notes.push('never'),
      },
      noting(when, notes),
    ]
    const failed = (error: unknown, alert: string): void => void errors.push(`${alert}: ${(error as Error).message}`)
    const { clock, watch, arrive } = rig({ alerts, failed })
    arrive(1)
    clock.advance(1000)
    await Promise.resolve()
    assert.deepEqual(errors, ['throws: no pager', 'asks wrongly: no sense', 'rejects: no cloud'])
    assert.equal(watch.failures, 3)
    assert.deepEqual(notes, ['raised at 1'])
    clock.advance(1000)
    assert.equal(watch.value.at, 1e6 + 2000, 'it goes on')
    assert.equal(errors.filter((error) => error.startsWith('throws')).length, 1, 'once an episode, failed or not')
    watch[Symbol.dispose]()
  })

  it('may dispose the monitor', () => {
    const notes: string[] = []
    const when = { metric: 'utilization', above: 0.5 } as const
    let end = (): void => {}
    const { clock, watch, arrive } = rig({
      alerts: [{ name: 'end', when, action: () => end() }, noting(when, notes)],
    })
    end = () => watch[Symbol.dispose]()
    arrive(1)
    clock.advance(5000)
    assert.deepEqual(notes, [])
    assert.equal(clock.pending, 0)
  })

  it('refuse figures the wrong way round', () => {
    assert.throws(() => rig({ alerts: [noting({ metric: 'depth', above: 1, below: 2 }, [])] }), /below: expected/)
  })
})
