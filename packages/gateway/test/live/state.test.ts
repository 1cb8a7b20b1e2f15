import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stateOf, type Phase, type Snapshot, type StateWord } from '../../src/live/index.ts'
import { sample, ticks } from '../page/sample.ts'

const SAMPLE = sample(ticks(10, Date.now()))
const [SERVER] = SAMPLE.upstreams
const [STORE] = SAMPLE.fleet

/** Nothing is the matter: 100 a second come, and all end well. */
const CALM: Snapshot = {
  ...SAMPLE,
  now: { ...SAMPLE.now, over: 10_000, ended: 100, good: 100, shedPercent: 0, queued: 0, limit: 20 },
  upstreams: [SERVER!],
  fleet: [STORE!],
  degradation: [],
  orders: [],
}

type More = Partial<Omit<Snapshot, 'now'>> & { readonly phase?: Phase; readonly now?: Partial<Snapshot['now']> }

const state = ({ phase = 'ready', now = {}, ...more }: More): readonly [StateWord, string] =>
  stateOf({ ...CALM, ...more, phase, now: { ...CALM.now, ...now } })

const out = { ...SERVER!, healthy: false, because: 'its health check fails' }
const other = { ...SERVER!, server: 'http://10.0.0.6:3000' }
const gone = { ...STORE!, up: false, policy: 'closed' as const }
const pause = { kind: 'pause', until: 0 } as const
const force = { kind: 'limit', limit: 'default', to: 1, until: 0 } as const
const refusing = { shedPercent: 40 }

const CASES: readonly (readonly [what: string, more: More, word: StateWord, because: string])[] = [
  ['nothing comes', { now: { ended: 0, good: 0 } }, 'ok', 'Everybody who comes is let in.'],
  ['all is well', {}, 'ok', 'Everybody who comes is let in.'],
  ['somebody waits', { now: { queued: 3 } }, 'queueing', '3 wait for one of 20 slots.'],
  ['some are refused', { now: refusing }, 'shedding', '40 % were refused in the last 10 s.'],
  [
    'some are refused by a limit that was forced',
    { now: refusing, orders: [force] },
    'shedding',
    '40 % were refused in the last 10 s; default is forced to 1.',
  ],
  ['something is given up', { degradation: ['read-only'] }, 'shedding', 'Under pressure: read-only.'],
  ['the store is gone', { fleet: [gone] }, 'store-degraded', 'Redis does not answer; everybody goes by closed.'],
  [
    'the store is gone, and so everybody is refused',
    { fleet: [gone], now: { shedPercent: 100, ended: 0 } },
    'store-degraded',
    'Redis does not answer; everybody goes by closed; 100 % were refused in the last 10 s.',
  ],
  ['on trial', { dryRun: true, now: refusing }, 'dry-run', 'On trial: 40 % would have been refused in the last 10 s.'],
  [
    'paused',
    { dryRun: true, orders: [pause], now: refusing },
    'paused',
    'Nobody is refused, by order: 40 % would have been refused in the last 10 s.',
  ],
  [
    'a server is out',
    { upstreams: [out] },
    'upstream-failing',
    'http://10.0.0.5:3000 is ill, and asked all the same, being the only one: its health check fails.',
  ],
  [
    'one of two servers is out, and some are refused',
    { upstreams: [other, out], now: refusing },
    'upstream-failing',
    'http://10.0.0.5:3000 is taken out: its health check fails; 1 of 2 servers of service are well; 40 % were refused in the last 10 s.',
  ],
  [
    'all servers are out, while nobody is refused by order',
    { upstreams: [out, { ...other, healthy: false }], dryRun: true, orders: [pause] },
    'upstream-failing',
    'All 2 servers of service are ill, and asked all the same: its health check fails.',
  ],
  [
    'a breaker is open',
    { upstreams: [{ ...SERVER!, breaker: 'open' }], now: { shedPercent: 100 } },
    'upstream-failing',
    'The breaker before service is open; 100 % were refused in the last 10 s.',
  ],
  [
    'most ends badly, on trial',
    { dryRun: true, now: { good: 20 } },
    'upstream-failing',
    'Of what ended in the last 10 s, 20 % ended well: the rest failed, or its client had left.',
  ],
  ['it has not begun', { phase: 'starting', upstreams: [out] }, 'starting', 'It is not listening yet.'],
  [
    'it ends',
    { phase: 'draining', upstreams: [out], now: refusing },
    'draining',
    'It ends: what has come is served, nothing new is taken.',
  ],
]

describe('the state in a word', () => {
  for (const [what, more, word, because] of CASES)
    it(`S1.14 ${word}: ${what}`, () => assert.deepEqual(state(more), [word, because]))
})
