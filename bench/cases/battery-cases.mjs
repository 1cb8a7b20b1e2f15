// The battery: what happens to work and to whoever asks for it when something goes wrong. Each case throws a Fault that
// says what did. `needs` names the notions without which the case has no meaning.
import { AsyncLocalStorage } from 'node:async_hooks'
import { getEventListeners } from 'node:events'
import calledOff from './battery-called-off.mjs'
import { demand, fill, outcomeOf, sleep, SLOTS, until, usual, whole, Works } from './battery-work.mjs'

/** Demands that a piece of work ends for its caller as it ended by itself, and that its slot is there again. */
async function same(gate, work, state, value) {
  const outcome = await outcomeOf(gate.run(work), 1000)
  demand(outcome.state === state, `expected it ${state}, it was ${outcome.state}: ${String(outcome.reason)}`)
  const got = state === 'fulfilled' ? outcome.value : outcome.reason
  demand(Object.is(got, value), `expected ${String(value)}, got ${String(got)}`)
}

const odd = [undefined, null, 0, Number.NaN, '', 'text', Symbol('odd'), Object.freeze({}), () => 1, 10n]

export default {
  throws: {
    async run({ open }) {
      const gate = open(usual)
      const error = new Error('the work threw')
      for (let time = 0; time < 10; time++)
        await same(
          gate,
          async () => {
            throw error
          },
          'rejected',
          error,
        )
      await whole(gate, SLOTS)
    },
  },
  'throws synchronously': {
    async run({ open }) {
      const gate = open(usual)
      const error = new Error('thrown before there was a promise')
      const work = () => {
        throw error
      }
      let promise
      for (let time = 0; time < 10; time++) {
        try {
          promise = gate.run(work)
        } catch {
          demand(false, 'throws at its caller instead of rejecting')
        }
        const outcome = await outcomeOf(promise, 1000)
        demand(outcome.state === 'rejected' && outcome.reason === error, 'the error is not the one that was thrown')
      }
      await whole(gate, SLOTS)
    },
  },
  'rejects with odd values': {
    async run({ open }) {
      const gate = open(usual)
      for (const value of odd) await same(gate, () => Promise.reject(value), 'rejected', value)
      await whole(gate, SLOTS)
    },
  },
  'resolves with odd values': {
    async run({ open }) {
      const gate = open(usual)
      for (const value of odd) await same(gate, async () => value, 'fulfilled', value)
      await whole(gate, SLOTS)
    },
  },
  'work that is not async': {
    needs: ['plain work'],
    async run({ open }) {
      const gate = open(usual)
      for (const value of odd) await same(gate, () => value, 'fulfilled', value)
      await whole(gate, SLOTS)
    },
  },
  'thenables: late, rejecting, throwing, answering twice': {
    async run({ open }) {
      const gate = open(usual)
      const error = new Error('not a promise either')
      // oxlint-disable-next-line unicorn/no-thenable -- that is what is being tried
      const thenable = (then) => () => ({ then })
      await same(
        gate,
        thenable((resolve) => setTimeout(() => resolve('late'), 5)),
        'fulfilled',
        'late',
      )
      await same(
        gate,
        thenable((_, reject) => reject(error)),
        'rejected',
        error,
      )
      await same(
        gate,
        thenable(() => {
          throw error
        }),
        'rejected',
        error,
      )
      await same(
        gate,
        thenable((resolve, reject) => {
          resolve('first')
          resolve('second')
          reject(error)
        }),
        'fulfilled',
        'first',
      )
      await whole(gate, SLOTS)
    },
  },
  ...calledOff,
  'a slot given back twice': {
    needs: ['acquire'],
    async run({ open }) {
      const gate = open(usual)
      const release = await gate.acquire()
      release()
      release()
      await whole(gate, SLOTS)
    },
  },
  '20,000 calls at capacity are bounded, and refused cheaply': {
    async run({ open, can }) {
      const gate = open(usual)
      const running = await fill(gate, SLOTS)
      const calls = 20_000
      let refused = 0
      const before = process.cpuUsage()
      const seconds = () => {
        const { user, system } = process.cpuUsage(before)
        return (user + system) / 1e6
      }
      const work = async () => 1
      for (let call = 1; call <= calls; call++) {
        gate.run(work).catch(() => refused++)
        if (call % 1000 === 0) demand(seconds() < 5, `${call} calls took ${seconds().toFixed(1)} s of processor time`)
      }
      // Some refuse by and by.
      await outcomeOf(
        until(() => refused >= calls - usual.waiting, 5000, 'not refused'),
        6000,
      )
      const waiting = calls - refused
      if (can.includes('bound')) demand(waiting <= usual.waiting, `${waiting} are not answered after 5 s`)
      else demand(waiting <= usual.waiting, `${waiting} wait, and no bound can be set`)
      demand(seconds() < 5, `refusing took ${seconds().toFixed(1)} s of processor time`)
      for (const piece of running) piece.end()
      await sleep(20)
      await whole(gate, SLOTS)
    },
  },
  'run inside run': {
    async run({ open }) {
      const gate = open(usual)
      const outcome = await outcomeOf(
        gate.run(async () => `outer ${await gate.run(async () => 'inner')}`),
        500,
      )
      demand(outcome.value === 'outer inner', `the outer one is ${outcome.state}`)
      await whole(gate, SLOTS)
    },
  },
  'run from the end of another': {
    needs: ['queue'],
    async run({ open }) {
      const gate = open({ slots: 1, waiting: 100 })
      let runs = 0
      const again = async () => {
        runs++
        if (runs < 1000) void gate.run(again).catch(() => {})
      }
      const piece = new Works().start(gate)
      void gate.run(again).catch(() => {})
      piece.end()
      await until(() => runs === 1000, 5000, 'the chain broke')
      await whole(gate, 1)
    },
  },
  '10,000 waiters whose work ends at once: all served in 7 s, no deep stack': {
    needs: ['queue'],
    async run({ open }) {
      const gate = open({ slots: 1, waiting: 20_000 })
      const [running] = await fill(gate, 1)
      let done = 0
      const work = () => {
        done++
      }
      const all = Promise.all(Array.from({ length: 10_000 }, () => gate.run(work)))
      running.end()
      const outcome = await outcomeOf(all, 7000)
      demand(outcome.state === 'fulfilled', `${done} of 10,000 done: ${outcome.reason ?? outcome.state}`)
      await whole(gate, 1)
    },
  },
  'no listener is left on a shared signal': {
    needs: ['signal'],
    async run({ open }) {
      const gate = open({ slots: SLOTS, waiting: 1000 })
      const { signal } = new AbortController()
      // One at a time, and many of them waiting.
      for (let call = 0; call < 1000; call++) await gate.run(async () => 1, { signal })
      await Promise.all(Array.from({ length: 1000 }, () => gate.run(async () => 1, { signal })))
      await sleep(5)
      const left = getEventListeners(signal, 'abort').length
      demand(left === 0, `${left} listeners after 2,000 calls`)
    },
  },
  'no timer is left behind': {
    needs: ['timeout'],
    async run({ open }) {
      const gate = open({ ...usual, waiting: 1000, timeout: 60_000 })
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
      await gate.run(async () => 1)
      await sleep(5)
      const before = timers()
      await Promise.all(Array.from({ length: 200 }, () => gate.run(async () => 1).catch(() => {})))
      // Its own `sleep` is over by the time it is counted.
      await sleep(5)
      const left = timers() - before
      demand(left <= 0, `${left} timers after 200 calls that ended at once`)
    },
  },
  'waits too long: refused in time, never begun': {
    needs: ['queue', 'maxWait'],
    async run({ open }) {
      const gate = open({ ...usual, maxWait: 40 })
      const running = await fill(gate, SLOTS)
      const waiter = new Works().start(gate)
      const { state } = await outcomeOf(waiter.answer, 400)
      demand(state === 'rejected', `after ten times its patience the waiter is ${state}`)
      for (const piece of running) piece.end()
      await whole(gate, SLOTS)
      demand(!waiter.started, 'the work was begun all the same')
    },
  },
  'a wide one at the head is neither squeezed in nor starved': {
    needs: ['queue', 'cost'],
    async run({ open }) {
      const gate = open({ slots: 4, waiting: 100 })
      const works = new Works()
      const narrow = () => works.start(gate, { weight: 1, cost: 1 })
      const busy = [narrow(), narrow(), narrow()]
      await until(() => busy.every((piece) => piece.started), 1000, 'they never start')
      const wide = works.start(gate, { weight: 3, cost: 3 })
      await sleep(10)
      demand(!wide.started, 'begun with one of four slots free and three needed')
      // Narrow ones keep coming; each would fit.
      for (let round = 0; round < 20 && !wide.started; round++) {
        const late = narrow()
        busy.shift()?.end()
        busy.push(late)
        await sleep(5)
      }
      demand(wide.started, 'narrow ones overtake it for ever')
      demand(works.most <= 4, `${works.most} at work with 4 slots`)
      for (const piece of [wide, ...busy]) piece.end()
    },
  },
  'close while some wait': {
    needs: ['close'],
    async run({ open, can }) {
      const gate = open(usual)
      const works = new Works()
      const running = await fill(gate, SLOTS, works)
      const waiter = can.includes('queue') ? works.start(gate) : undefined
      await sleep(5)
      gate.close()
      if (waiter !== undefined) {
        const { state } = await outcomeOf(waiter.answer, 200)
        demand(state === 'rejected', `who waits is still ${state} after 200 ms`)
      }
      if (gate.reopens !== true) {
        const newcomer = works.start(gate)
        demand((await outcomeOf(newcomer.answer, 200)).state === 'rejected', 'newcomers are not refused')
      }
      for (const piece of running) piece.end('done')
      for (const piece of running)
        demand((await outcomeOf(piece.answer, 500)).value === 'done', 'work in progress is cut off')
      demand(waiter?.started !== true, 'who waited was begun after all')
    },
  },
  'async context of whoever asked': {
    needs: ['queue'],
    async run({ open }) {
      const gate = open({ slots: 1, waiting: 100 })
      const storage = new AsyncLocalStorage()
      const [running] = await fill(gate, 1)
      const seen = []
      const asks = ['a', 'b', 'c'].map((name) =>
        storage.run(name, () => gate.run(async () => seen.push(storage.getStore()))),
      )
      storage.run('the releaser', () => running.end())
      await outcomeOf(Promise.all(asks), 2000)
      demand(seen.join() === 'a,b,c', `seen ${seen.map(String).join()} instead of a,b,c`)
    },
  },
}
