import { numberOf } from './figures.mjs'
import { ORACLE, TABLES } from './lines.mjs'
import { LOADS } from './plants.mjs'

/** The one table that no simulation fills. */
const MEMORY = { name: 'memory', key: ['queue'] }

/** All cells there are, as they are printed: what is judged is what can be read. */
export class Book {
  #cells = new Map()

  /** What a page says. */
  static of(text) {
    const book = new Book()
    let table
    for (const line of text.split('\n')) {
      const summary = /^<summary>(.*?)<\/summary>$/.exec(line)
      if (summary !== null) table = TABLES.find(({ title }) => title === summary[1]) ?? MEMORY
      if (line === '</details>') table = undefined
      if (table === undefined || !line.startsWith('| ')) continue
      const cells = line.slice(2, -2).split(' | ')
      book.put(table.name, cells.slice(0, table.key.length), cells.slice(table.key.length))
    }
    return book
  }

  put(table, key, cells) {
    this.#cells.set(id(table, key), cells)
  }

  has(table, key) {
    return this.#cells.has(id(table, key))
  }

  /** @throws RangeError for a line that is not there */
  cells(table, key) {
    const cells = this.#cells.get(id(table, key))
    if (cells === undefined) throw new RangeError(`no line ${id(table, key)}`)
    return cells
  }

  /** A figure, of a cell that may hold several. */
  figure(table, key, column, which = 0) {
    return numberOf(this.cells(table, key)[column].split(' / ')[which])
  }

  /** What is known of the oracle. */
  limitAt(plant, times) {
    return this.figure('sweep', [plant], LOADS.indexOf(times))
  }

  p99At(plant, times) {
    return this.figure('steady', [plant, ORACLE, 'none'], LOADS.indexOf(times), 1)
  }
}

function id(table, key) {
  return `${table}: ${key.join(', ')}`
}
