// `npm run league`: every limit × queue × service × load in virtual time → docs/league.md.
//
//   npm run league [-- [WORD…] [--check] [--built] [--page FILE]]
//
// A WORD plays only the lines that have it in their table or key; the page says the others. --check writes nothing, plays
// a few cheap lines again, ours and by lot, and exits 1 unless the page is what comes out. --built takes what is compiled
// as it is. Exits 1 as well when a mutant is not among the last, or ours not the first in the worst case.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, setUp } from './setup.mjs'

const { values, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: 'boolean', default: false },
    built: { type: 'boolean', default: false },
    page: { type: 'string', default: join(root, 'docs', 'league.md') },
  },
})
if (!values.built) setUp()
// Imported only now: they need what has just been built.
const { play, sample } = await import('../bench/league/play.mjs')
const { page } = await import('../bench/league/page.mjs')
const { Book } = await import('../bench/league/book.mjs')
const { complaints } = await import('../bench/league/standings.mjs')

const partly = values.check || words.length > 0
const before = partly ? readFileSync(values.page, 'utf8') : ''
const book = Book.of(before)
const chosen = values.check
  ? sample()
  : (line) => words.every((word) => [line.table, ...line.key].join(' ').includes(word))
await play(book, chosen, (done, all) => process.stderr.write(`sluice: league: ${done} of ${all} lines\r`))
process.stderr.write('\n')

const wrong = complaints(book)
for (const line of wrong) process.stderr.write(`sluice: league: ${line}\n`)
if (wrong.length > 0) process.exitCode = 1
const text = page(book)
if (!values.check) writeFileSync(values.page, text)
else if (text !== before) {
  const now = text.split('\n')
  for (const [index, line] of before.split('\n').entries())
    if (line !== now[index]) process.stderr.write(`- ${line}\n+ ${now[index] ?? ''}\n`)
  process.stderr.write('sluice: docs/league.md is out of date: npm run league\n')
  process.exitCode = 1
}
