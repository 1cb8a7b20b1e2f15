import { drift } from './cells/drift.mjs'
import { drop } from './cells/drop.mjs'
import { priorities } from './cells/priorities.mjs'
import { slow } from './cells/slow.mjs'
import { steady } from './cells/steady.mjs'
import { step } from './cells/step.mjs'
import { storms } from './cells/storms.mjs'
import { sweep } from './cells/sweep.mjs'
import { SPREADS, tenants } from './cells/tenants.mjs'
import { LIMITS, QUEUES } from './contenders.mjs'
import { LOADS, PLANTS, plantOf } from './plants.mjs'

/** Oracles are found on other seeds than those on which everybody is judged. */
const SWEPT = [1, 2]
const JUDGED = [11, 12, 13]
const ONCE = [11]

/** Who knows everything: the best fixed limit, nobody waiting. */
export const ORACLE = 'best fixed'
/** Queues with which everybody runs through everything. */
export const FULL = ['default', 'none']

/** A cell of several figures. */
const several = (figures) => figures.join(' / ')
const loads = LOADS.map((times) => `${times}×`)

/**
 * The tables of the page. A line of one has a key, and cells that `measure` finds: `limitAt(plant, times)` and
 * `p99At(plant, times)` are what is known of the oracle by then.
 */
export const TABLES = [
  {
    name: 'sweep',
    title: 'The best fixed limit',
    about: 'The lowest whose goodput is within 1 % of the best, nobody waiting.',
    key: ['plant'],
    columns: loads,
    keys: () => PLANTS.map(({ name }) => [name]),
    measure: ([name]) => LOADS.flatMap((times) => sweep({ plant: plantOf(name), times, seeds: SWEPT })),
  },
  {
    name: 'steady',
    title: 'Loads that stay',
    about: 'Goodput as a share of capacity / p99 of the admitted in ms / share of the refused.',
    key: ['plant', 'limit', 'queue'],
    columns: loads,
    keys: () => everywhere(QUEUES),
    measure: ([name, limit, queue], known) =>
      LOADS.map((times) => several(steady({ ...of(name, limit, queue, known, times), times, seeds: seedsOf(queue) }))),
  },
  {
    name: 'courses',
    title: 'Loads and plants that change',
    about:
      'From 0.7× to 10×: goodput and p99 of the first 5 s. At 2×, capacity to a quarter and back: seconds until good. ' +
      'All four times slower, with slots in plenty: the share let in.',
    key: ['plant', 'limit', 'queue'],
    columns: ['step: goodput', 'step: p99', 'down', 'back', 'slower: let in'],
    keys: () => everywhere(FULL),
    measure: ([name, limit, queue], known) => {
      const at = (times) => ({ ...of(name, limit, queue, known, times), seeds: JUDGED })
      return [...step(at(10)), ...drop({ ...at(2), p99: known.p99At(name, 2) }), ...slow(at(2))]
    },
  },
  {
    name: 'drift',
    title: 'Ten minutes at 2×',
    about: 'The median limit of the second minute and of the last, how far apart, and goodput in the last.',
    key: ['plant', 'limit', 'queue'],
    columns: ['early', 'late', 'drift', 'goodput'],
    keys: () => everywhere(FULL).filter(([, limit]) => limit !== ORACLE),
    measure: ([name, limit, queue], known) => drift({ ...of(name, limit, queue, known, 2), seeds: ONCE }),
  },
  {
    name: 'priorities',
    title: 'Four classes at 10×',
    about: "The worst of three mixes: the lowest class's share of goodput, and the highest class's success.",
    key: ['plant', 'limit', 'queue'],
    columns: ['lowest', 'highest'],
    keys: () => [
      ...PLANTS.map(({ name }) => [name, ORACLE, 'default']),
      ...PLANTS.flatMap(({ name }) => QUEUES.map((queue) => [name, 'adaptive', queue])),
    ],
    measure: ([name, limit, queue], known) => priorities({ ...of(name, limit, queue, known, 10), seeds: ONCE }),
  },
  {
    name: 'tenants',
    title: 'Ten thousand tenants at 2×, on 200 × 100 ms',
    about: "What went to the wrong tenants beside a max-min fair sharing, as a share; Jain's index.",
    key: ['who sends', 'limit', 'queue'],
    columns: ['misplaced', 'Jain'],
    keys: () =>
      Object.keys(SPREADS).flatMap((spread) => ['fair', ...QUEUES].map((queue) => [spread, 'adaptive', queue])),
    measure: ([spread, limit, queue]) => tenants({ plant: plantOf('200 × 100 ms'), limit, queue, spread, seeds: ONCE }),
  },
  {
    name: 'storms',
    title: 'Thirty retry storms',
    about:
      'How many are over within 5 s of the end of what set them off, how many seconds the slowest takes, and which are not.',
    key: ['limit', 'queue'],
    columns: ['over', 'slowest', 'not over in time'],
    keys: () => [['nobody', 'none'], ...LIMITS.flatMap((limit) => FULL.map((queue) => [limit, queue]))],
    measure: ([limit, queue]) => storms({ limit, queue, seeds: JUDGED }),
  },
]

/** Every plant under the oracle and under every limit with each of these queues. */
function everywhere(queues) {
  return PLANTS.flatMap(({ name }) => [
    [name, ORACLE, 'none'],
    ...LIMITS.flatMap((limit) => queues.map((queue) => [name, limit, queue])),
  ])
}

function of(name, limit, queue, known, times) {
  return { plant: plantOf(name), limit: limit === ORACLE ? known.limitAt(name, times) : limit, queue }
}

function seedsOf(queue) {
  return FULL.includes(queue) ? JUDGED : ONCE
}
