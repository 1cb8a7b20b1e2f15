// `npm run pictures` draws every picture of the docs, prints the numbers behind it and puts them into the pages. Words are
// the only subjects to draw; `-- --check` only says, by its exit code, whether the files are what the present code draws.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { table, withFigures } from './pictures/figures.mjs'
import { root, setUp } from './setup.mjs'

const subjects = [
  'limiter',
  'adaptive',
  'aimd',
  'vegas',
  'gradient2',
  'semaphore',
  'queues',
  'token-bucket',
  'token-buckets',
  'breaker',
  'shedder',
  'retry-budget',
  'keyed',
  'shadow',
  'series',
  'deadlines',
  'layers',
  'mismatches',
]

const check = process.argv.includes('--check')
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const unknown = wanted.find((word) => !subjects.includes(word))
if (unknown !== undefined) {
  process.stderr.write(`sluice: no picture '${unknown}'; there are ${subjects.join(', ')}\n`)
  process.exit(2)
}

setUp()
const docs = join(root, 'docs')
mkdirSync(join(docs, 'pictures'), { recursive: true })
const stale = []

/** Writes a file that differs, or notes it. */
function settle(file, content) {
  const path = join(docs, file)
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return
  if (check) stale.push(`docs/${file}`)
  else writeFileSync(path, content)
}

for (const subject of wanted.length === 0 ? subjects : wanted) {
  const { draw } = await import(`./pictures/${subject}.mjs`)
  for (const { name, svg, numbers } of await draw()) {
    settle(`pictures/${name}.svg`, svg)
    for (const page of readdirSync(docs).filter((file) => file.endsWith('.md')))
      settle(page, withFigures(readFileSync(join(docs, page), 'utf8'), subject, name, numbers))
    if (!check) process.stdout.write(`\n# ${name}.svg\n${table(numbers)}`)
  }
}
if (stale.length > 0) {
  process.stderr.write(`sluice: not what the code draws: ${[...new Set(stale)].join(', ')}; run npm run pictures\n`)
  process.exit(1)
}
