import { seeded } from 'sluice'
import { memory } from './cells/tenants.mjs'
import { Crew } from './crew.mjs'
import { ORACLE, TABLES } from './lines.mjs'

/** Where a line takes a fraction of a second. */
const CHEAP = new Set(['1 × 20 ms, constant', '4 × 200 ms'])
/** So many lines besides ours, by lot. */
const BY_LOT = 24

const all = [
  ...TABLES.flatMap(({ name, keys }) => keys().map((key) => ({ table: name, key }))),
  { table: 'memory', key: ['fair'] },
]

/** Lines that others need come first: the sweep, and how the oracle does. */
const rank = ({ table, key }) => (table === 'sweep' ? 0 : table === 'steady' && key[1] === ORACLE ? 1 : 2)

/** Finds the chosen lines and puts them into the book. */
export async function play(book, chosen, progress) {
  const wanted = all.filter(chosen)
  const crew = new Crew()
  try {
    let done = 0
    for (const turn of [0, 1, 2]) {
      const lines = wanted.filter((line) => rank(line) === turn && line.table !== 'memory')
      await crew.find(lines, (line) => {
        book.put(line.table, line.key, line.cells)
        progress(++done, wanted.length)
      })
      const known = all.filter((line) => rank(line) === turn && turn < 2 && book.has(line.table, line.key))
      crew.tell(known.map(({ table, key }) => ({ table, key, cells: book.cells(table, key) })))
    }
  } finally {
    crew.dismiss()
  }
  // In this thread alone, where nobody else makes garbage.
  if (wanted.some(({ table }) => table === 'memory')) book.put('memory', ['fair'], memory())
}

/** A few cheap lines: all of ours, and others by lot, the same every time. */
export function sample() {
  const random = seeded(1)
  const cheap = all.filter(({ key, table }) => CHEAP.has(key[0]) && table !== 'priorities')
  const ours = cheap.filter(({ key, table }) => table === 'sweep' || key[1] === 'adaptive')
  const others = cheap.filter((line) => !ours.includes(line)).map((line) => ({ line, lot: random() }))
  const drawn = others.toSorted((a, b) => a.lot - b.lot).slice(0, BY_LOT)
  const lines = new Set([...ours, ...drawn.map(({ line }) => line)])
  return (line) => lines.has(line)
}
