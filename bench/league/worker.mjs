import { Book } from './book.mjs'
import { TABLES } from './lines.mjs'

/** What is known of the oracle comes ahead of the lines that need it. */
const known = new Book()
process.on('message', ({ oracle, table, key }) => {
  for (const line of oracle ?? []) known.put(line.table, line.key, line.cells)
  if (table === undefined) return
  const { measure } = TABLES.find(({ name }) => name === table)
  process.send({ table, key, cells: measure(key, known) })
})
