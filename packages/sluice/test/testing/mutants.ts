/** One deliberate fault in the compiled library. */
export interface Mutant {
  readonly name: string
  /** Below dist/src. */
  readonly file: string
  /** Occurs exactly once in the file; white space counts as one blank wherever there is any. */
  readonly find: string
  readonly replace: string
}

const SLOTS = 'gate/slots.js'
const ROOM = 'gate/waiting-room.js'
const SERIES = 'gate/series.js'
const EXPIRY = 'gate/expiry.js'
const DEFINE = 'gate/define.js'

/** What the laws must find out. Keep each to one thing, as a slip of the keyboard would be. */
export const MUTANTS: readonly Mutant[] = [
  // Permits
  {
    name: 'a permit can be released twice',
    file: SLOTS,
    find: 'this.#slots = undefined; slots.vacate(1, outcome);',
    replace: 'slots.vacate(1, outcome);',
  },
  {
    name: 'a permit of a limiter can be released twice',
    file: SLOTS,
    find: 'this.#slots = undefined; slots.release(',
    replace: 'slots.release(',
  },
  {
    name: 'one too many is let in',
    file: SLOTS,
    find: '+ cost <= this.#limit + ROUNDING',
    replace: '+ cost <= this.#limit + 1',
  },
  {
    name: 'one too many is let in of those who ask for nothing special',
    file: SLOTS,
    find: 'Math.min(limit, this.#threshold) - 1',
    replace: 'Math.min(limit, this.#threshold)',
  },
  {
    name: 'a wide waiter is let in where it does not fit',
    file: SLOTS,
    find: 'this.#inflight + cost > this.#limit + ROUNDING',
    replace: 'false',
  },
  {
    name: 'a wide waiter gives back 1',
    file: SLOTS,
    find: 'this.#inflight -= cost',
    replace: 'this.#inflight -= 1',
  },
  {
    name: 'a wide head is overtaken by a narrow newcomer',
    file: SLOTS,
    find: 'if (queued === 0 && this.#inflight',
    replace: 'if (this.#inflight',
  },
  {
    name: 'those who wait are overtaken by whoever asks for nothing special',
    file: SLOTS,
    find: 'arrival.maxWait === undefined && this.#queued() === 0',
    replace: 'arrival.maxWait === undefined',
  },
  {
    name: 'a release lets nobody in',
    file: SLOTS,
    find: 'this.#meter?.count(outcome); this.#free(cost); if (this.#queued() > 0) this.#serve(this.clock.now());',
    replace: 'this.#meter?.count(outcome); this.#free(cost);',
  },
  {
    name: 'a release of a limiter lets nobody in',
    file: SLOTS,
    find: 'this.#limitMoved(before, meter); } this.left(now);',
    replace: 'this.#limitMoved(before, meter); }',
  },
  {
    name: 'the limit that was found is ignored',
    file: SLOTS,
    find: 'this.#moveTo(Math.max(1, Math.floor(meter.limit)));',
    replace: '',
  },
  { name: 'serving never ends', file: SLOTS, find: 'this.#serving = false; }', replace: '}' },
  // Closing
  { name: 'a closed gate lets newcomers in', file: SLOTS, find: 'this.#closed = true;', replace: '' },
  { name: 'closing forgets those who wait', file: SLOTS, find: 'this.#room?.close();', replace: '' },
  // Waiting
  {
    name: 'a cancelled waiter hears nothing',
    file: ROOM,
    find: "this.#refuse(waiter, 'cancelled');",
    replace: 'this.#expiry.remove(waiter);',
  },
  {
    name: 'a cancelled waiter stays in the queue',
    file: ROOM,
    find: 'if (!this.#queue.remove(waiter)) return;',
    replace: '',
  },
  {
    name: 'nobody moves up behind a wide one that cancelled',
    file: ROOM,
    find: 'this.#keeper.left(this.#clock.now());',
    replace: '',
  },
  {
    name: 'nobody moves up behind a wide one that timed out',
    file: ROOM,
    find: 'keeper.left(clock.now());',
    replace: '',
  },
  {
    name: 'whoever listens to the pressure of a bucket hears nothing',
    file: 'gate/bucket.js',
    find: 'extras?.pressure?.changed(); return true;',
    replace: 'return true;',
  },
  { name: 'an evicted waiter hears nothing', file: ROOM, find: "this.#refuse(loser, 'evicted');", replace: ';' },
  {
    name: 'the timer of a waiter outlives its waiting',
    file: ROOM,
    find: 'this.#queue.take(waiter, now); this.#expiry.remove(waiter);',
    replace: 'this.#queue.take(waiter, now);',
  },
  {
    name: 'an answer that throws breaks the release it came from',
    file: ROOM,
    find: 'throwLater(this.#clock, error);',
    replace: 'throw error;',
  },
  {
    name: 'the timer of nobody goes on',
    file: EXPIRY,
    find: 'if (--this.#size === 0) this.#forget();',
    replace: 'this.#size--;',
  },
  { name: 'a timer is not armed again', file: EXPIRY, find: 'return this.#arm(slot.tick, now);', replace: 'return;' },
  {
    name: 'patience ends before its time',
    file: EXPIRY,
    find: 'Math.ceil(expires / grain)',
    replace: 'Math.floor(expires / grain)',
  },
  // Gates in series
  {
    name: 'a refusal further in leaks what was taken further out',
    file: SERIES,
    find: "giveBack(permits, 'ignored', 0); return verdict;",
    replace: 'return verdict;',
  },
  {
    name: 'a refusal further in, after waiting, leaks what was taken further out',
    file: SERIES,
    find: "giveBack(this.#permits, 'ignored', 0); return this.#tell(verdict);",
    replace: 'return this.#tell(verdict);',
  },
  {
    name: 'a gate further in that throws leaks what was taken further out',
    file: SERIES,
    find: "giveBack(permits, 'ignored', 0); throw error;",
    replace: 'throw error;',
  },
  {
    name: 'patience begins anew at every gate',
    file: SERIES,
    find: 'Math.max(0, maxWait - verdict.waited)',
    replace: 'maxWait',
  },
  // The skin
  {
    name: 'answers come in the context of whoever released',
    file: DEFINE,
    find: 'inThisContext(answer)',
    replace: '(answer)',
  },
  {
    name: 'acquire does not hear of an abort',
    file: DEFINE,
    find: 'watchAbort(signal, caller); waiting.answer',
    replace: 'waiting.answer',
  },
  // Queues
  { name: 'the queue miscounts', file: 'queue/line.js', find: 'this.size--;', replace: '' },
  {
    name: 'whoever leaves from the middle leaves a wrong neighbour',
    file: 'queue/line.js',
    find: 'next.previous = previous;',
    replace: ';',
  },
  {
    name: 'somebody who is too late is served',
    file: 'queue/give-up.js',
    find: 'if (head === undefined || head.expires > now)',
    replace: 'if (true)',
  },
  {
    name: 'a full queue takes one more',
    file: 'queue/single-line.js',
    find: 'if (this.#line.size >= this.capacity) return waiter;',
    replace: '',
  },
]
