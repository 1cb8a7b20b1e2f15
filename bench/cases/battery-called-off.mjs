// The cases where somebody stops waiting for the work: its time is up, or its caller leaves.
import { demand, fill, outcomeOf, sleep, SLOTS, until, usual, whole, Works } from './battery-work.mjs'

/** A caller who has left is to know within so many ms. */
const AT_ONCE = 50

export default {
  'never settles: its caller is answered in time': {
    needs: ['timeout'],
    async run({ open }) {
      const gate = open({ ...usual, timeout: 40 })
      const piece = new Works().start(gate)
      const { state } = await outcomeOf(piece.answer, 400)
      demand(state === 'rejected', `after ten times its time the call is ${state}`)
    },
  },
  'never settles: the work is told': {
    needs: ['timeout', 'work signal'],
    async run({ open }) {
      const gate = open({ ...usual, timeout: 40 })
      const piece = new Works().start(gate)
      await outcomeOf(piece.answer, 400)
      demand(piece.signal !== undefined, 'the work gets no signal')
      demand(piece.signal.aborted, 'the signal of the work is not aborted')
    },
  },
  'never settles: only its own work is told': {
    needs: ['timeout', 'work signal'],
    async run({ open }) {
      const gate = open({ ...usual, timeout: 60 })
      const works = new Works()
      const stuck = works.start(gate)
      await until(() => stuck.started, 500, 'it never starts')
      await sleep(40)
      const young = works.start(gate)
      await outcomeOf(stuck.answer, 400)
      demand(young.started, 'the second does not start')
      demand(young.signal === undefined || !young.signal.aborted, 'aborts the signal of other work in progress')
      young.end()
      stuck.end()
    },
  },
  'never settles: no more at work than there are slots': {
    needs: ['timeout'],
    async run({ open }) {
      const gate = open({ ...usual, timeout: 40 })
      const works = new Works()
      const stuck = Array.from({ length: SLOTS }, () => works.start(gate))
      for (const { answer } of stuck) await outcomeOf(answer, 400)
      const more = Array.from({ length: SLOTS }, () => works.start(gate))
      await sleep(20)
      demand(works.most <= SLOTS, `${works.most} at work with ${SLOTS} slots: work that goes on is not counted`)
      for (const piece of [...stuck, ...more]) piece.end()
    },
  },
  'never settles: the slot is back when the work has ended': {
    needs: ['timeout'],
    async run({ open }) {
      const gate = open({ ...usual, timeout: 100 })
      const works = new Works()
      const stuck = Array.from({ length: SLOTS }, () => works.start(gate))
      for (const { answer } of stuck) await outcomeOf(answer, 400)
      for (const piece of stuck) piece.end()
      await sleep(5)
      await whole(gate, SLOTS)
    },
  },
  'abort before': {
    needs: ['signal'],
    async run({ open }) {
      const gate = open(usual)
      const works = new Works()
      const piece = works.start(gate, { signal: AbortSignal.abort(new Error('left')) })
      demand((await outcomeOf(piece.answer, AT_ONCE)).state === 'rejected', `not rejected within ${AT_ONCE} ms`)
      demand(!piece.started, 'the work was begun all the same')
      await whole(gate, SLOTS)
    },
  },
  'abort while queued: answered within 50 ms': {
    needs: ['queue', 'signal'],
    async run({ open }) {
      const gate = open(usual)
      const running = await fill(gate, SLOTS)
      const caller = new AbortController()
      const waiter = new Works().start(gate, { signal: caller.signal })
      await sleep(5)
      caller.abort()
      const { state } = await outcomeOf(waiter.answer, AT_ONCE)
      for (const piece of running) piece.end()
      demand(state === 'rejected', `still ${state} after ${AT_ONCE} ms`)
      demand(!waiter.started, 'the work was begun all the same')
    },
  },
  'abort while queued: the next one is served': {
    needs: ['queue', 'signal'],
    async run({ open }) {
      const gate = open(usual)
      const running = await fill(gate, SLOTS)
      const caller = new AbortController()
      const works = new Works()
      works.start(gate, { signal: caller.signal })
      const next = works.start(gate)
      await sleep(5)
      caller.abort()
      await sleep(5)
      running[0].end()
      await until(() => next.started, 500, 'a slot is free and the next waiter is never started')
      next.end()
      running[1].end()
      await whole(gate, SLOTS)
    },
  },
  'abort while queued: its place is free': {
    needs: ['queue', 'bound', 'signal'],
    async run({ open }) {
      const gate = open({ slots: SLOTS, waiting: 1 })
      const running = await fill(gate, SLOTS)
      const caller = new AbortController()
      const works = new Works()
      works.start(gate, { signal: caller.signal })
      await sleep(5)
      caller.abort()
      await sleep(5)
      const next = works.start(gate)
      const { state } = await outcomeOf(next.answer, 20)
      demand(state === 'pending', `the only place is still taken: the next one is ${state}`)
      for (const piece of running) piece.end()
      await until(() => next.started, 500, 'the next one is never started')
      next.end()
    },
  },
  'abort while running: the work is told and its slot comes back': {
    needs: ['signal', 'work signal'],
    async run({ open }) {
      const gate = open(usual)
      const caller = new AbortController()
      const works = new Works()
      const piece = works.start(gate, { heeds: true, signal: caller.signal })
      await until(() => piece.started, 500, 'it never starts')
      const reason = new Error('left')
      caller.abort(reason)
      const outcome = await outcomeOf(piece.answer, AT_ONCE)
      demand(piece.signal.aborted, 'the work is not told')
      demand(outcome.state === 'rejected' && outcome.reason === reason, `its caller hears ${outcome.state}`)
      await whole(gate, SLOTS)
    },
  },
  'abort while running: the caller of deaf work is answered': {
    needs: ['signal', 'work signal'],
    async run({ open }) {
      const gate = open(usual)
      const caller = new AbortController()
      const piece = new Works().start(gate, { signal: caller.signal })
      await until(() => piece.started, 500, 'it never starts')
      caller.abort()
      const { state } = await outcomeOf(piece.answer, AT_ONCE)
      piece.end()
      demand(state === 'rejected', `still ${state} after ${AT_ONCE} ms`)
    },
  },
  'abort while running: no more at work than there are slots': {
    needs: ['signal', 'work signal'],
    async run({ open }) {
      const gate = open(usual)
      const caller = new AbortController()
      const works = new Works()
      const deaf = Array.from({ length: SLOTS }, () => works.start(gate, { signal: caller.signal }))
      await until(() => deaf.every((piece) => piece.started), 500, 'they never start')
      caller.abort()
      const more = Array.from({ length: SLOTS }, () => works.start(gate))
      await sleep(20)
      demand(works.most <= SLOTS, `${works.most} at work with ${SLOTS} slots: work that goes on is not counted`)
      for (const piece of deaf) piece.end()
      await until(() => more.every((piece) => piece.started), 500, 'the slots never come back')
      for (const piece of more) piece.end()
    },
  },
}
