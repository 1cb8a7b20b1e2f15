import { LOADS, PLANTS } from './plants.mjs'
import { ORACLE } from './lines.mjs'
import { SPREADS } from './cells/tenants.mjs'

const names = PLANTS.map(({ name }) => name)
const oracle = (name) => [name, ORACLE, 'none']

/** A figure of a steady load beside that of the oracle, on every plant. */
const beside =
  (which, ...loads) =>
  (book, [limit, queue]) =>
    names.flatMap((name) =>
      loads.map((times) => {
        const column = LOADS.indexOf(times)
        const [ours, best] = [[name, limit, queue], oracle(name)].map((key) =>
          book.figure('steady', key, column, which),
        )
        return { where: loads.length > 1 ? `${name} at ${times}×` : name, value: ours / best }
      }),
    )

/** A column of a table, on every plant. */
const column =
  (table, at, which = 0) =>
  (book, [limit, queue]) =>
    names.map((name) => ({ where: name, value: book.figure(table, [name, limit, queue], at, which) }))

const stepped = (book, [limit, queue]) =>
  names.map((name) => ({
    where: name,
    value: book.figure('courses', [name, limit, queue], 1) / book.p99At(name, 10),
  }))

const tenants = (book, [limit]) =>
  Object.keys(SPREADS).map((where) => ({ where, value: book.figure('tenants', [where, limit, 'fair'], 0) }))

const plain = (digits) => (value) => (Number.isFinite(value) ? value.toFixed(digits) : 'never')
const percent = (value) => `${(value * 100).toFixed(1)} %`
const timed = (value) => (Number.isFinite(value) ? `${value.toFixed(2)} s` : 'never')

/**
 * What must be shown: `bar` is the least of a figure where `least` is true, otherwise the most. `find(book, [limit, queue])`
 * answers it for every place. `everybody` were measured where it says so, else ours alone.
 */
export const MEASURES = [
  {
    name: 'goodput at 2×',
    short: '2×',
    bar: 0.95,
    least: true,
    says: '≥ 0.95 of the best fixed limit',
    find: beside(0, 2),
    text: plain(3),
    everybody: true,
  },
  {
    name: 'goodput at 5×',
    short: '5×',
    bar: 0.95,
    least: true,
    says: '≥ 0.95 of the best fixed limit',
    find: beside(0, 5),
    text: plain(3),
    everybody: true,
  },
  {
    name: 'goodput at 10×',
    short: '10×',
    bar: 0.95,
    least: true,
    says: '≥ 0.95 of the best fixed limit',
    find: beside(0, 10),
    text: plain(3),
    everybody: true,
  },
  {
    name: 'p99 of the admitted, 2× to 10×',
    short: 'p99',
    bar: 1.3,
    least: false,
    says: "≤ 1.3 × the oracle's",
    find: beside(1, 2, 5, 10),
    text: plain(2),
    everybody: true,
  },
  {
    name: 'p99 of the first 5 s after 0.7× → 10×',
    short: 'p99, step',
    bar: 1.5,
    least: false,
    says: "≤ 1.5 × the oracle's",
    find: stepped,
    text: plain(2),
    everybody: true,
  },
  {
    name: 'capacity falls to a quarter',
    short: 'down',
    bar: 1,
    least: false,
    says: 'good again within 1 s',
    find: column('courses', 2),
    text: timed,
    everybody: true,
  },
  {
    name: 'capacity returns',
    short: 'back',
    bar: 2,
    least: false,
    says: 'good again within 2 s',
    find: column('courses', 3),
    text: timed,
    everybody: true,
  },
  {
    name: 'dependency 4 times slower, load unchanged',
    short: 'slower',
    bar: 0.98,
    least: true,
    says: '≥ 0.98 let in',
    find: column('courses', 4),
    text: plain(3),
    everybody: true,
  },
  {
    name: 'healthy, 0.7×',
    short: '0.7×',
    bar: 0.005,
    least: false,
    says: '≤ 0.5 % refused',
    find: column('steady', 0, 2),
    text: percent,
    everybody: true,
  },
  {
    name: 'ten minutes at 2×',
    short: 'drift',
    bar: 0.1,
    least: false,
    says: 'limit drifts ≤ 10 %',
    find: column('drift', 2),
    text: percent,
    everybody: true,
  },
  {
    name: 'retry storms',
    short: 'storms',
    bar: 30,
    least: true,
    says: 'over within 5 s, 30 of 30',
    find: (book, key) => [{ where: 'all of them', value: book.figure('storms', key, 0) }],
    text: plain(0),
    everybody: true,
  },
  {
    name: 'lowest class at 10×',
    bar: 0.03,
    least: true,
    says: '≥ 3 % of goodput',
    find: column('priorities', 0),
    text: percent,
    everybody: false,
  },
  {
    name: 'highest class at 10×',
    bar: 0.99,
    least: true,
    says: '≥ 0.99 success',
    find: column('priorities', 1),
    text: plain(3),
    everybody: false,
  },
  {
    name: '10,000 tenants, `fair`',
    bar: 0.1,
    least: false,
    says: 'within 10 % of max-min fair',
    find: tenants,
    text: percent,
    everybody: false,
  },
  {
    name: '10,000 tenants, memory',
    bar: 1,
    least: false,
    says: '≤ 1 MB',
    find: (book) => [{ where: 'the gate', value: book.figure('memory', ['fair'], 0) }],
    text: (value) => `${value.toFixed(1)} MB`,
    everybody: false,
  },
]

/** Whether a figure is good enough. */
export const meets = ({ bar, least }, value) => (least ? value >= bar : value <= bar)

/** The worst place of all. */
export function worst({ least }, places) {
  return places.reduce((a, b) => ((least ? b.value < a.value : b.value > a.value) ? b : a))
}

/** How much of what is asked for there is, from 0 to 1. */
export const attained = ({ bar, least }, value) => Math.min(1, least ? value / bar : bar / value)
