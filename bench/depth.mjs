// What a waiter costs, in time and memory, from 10³ to 10⁶ of them.
//
//   node bench/depth.mjs [WORD] [--check]
//
// One process for each peer and depth, in processor time, hand-in and drain together. A depth is left out that would take
// more than 20 s, going by how the cost grew up to there. Memory: what is held while all wait, after a full collection,
// less the caller's own: a promise and the two functions that settle it, and where the caller is handed a permit rather
// than a result, what it does with it. What an arrival says (its flow, its deadline) counts as the waiter's.
// --check exits 1 when a bar is missed.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean', default: false } },
})
const LONGEST = 20_000
const DEPTHS = [1e3, 1e4, 1e5, 1e6]
const PROMISE = 'the promise itself'
/** The caller's own, where that is more than a promise. */
const OWN = {
  'sluice fifo, enter with a callback': 'the promise and its callback',
  'sluice fifo, acquire': 'the promise and its then',
}
const script = fileURLToPath(new URL('cases/depth-case.mjs', import.meta.url))
const ask = (...args) =>
  JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', '--max-old-space-size=8192', script, ...args], {
      encoding: 'utf8',
      timeout: 3 * LONGEST,
      killSignal: 'SIGKILL',
    }),
  )
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]

const names = ask('--list').filter((name) => !name.startsWith('the promise') && name.includes(positionals[0] ?? ''))
const owns = new Map([PROMISE, ...Object.values(OWN)].map((name) => [name, ask(name, '100000').bytes]))
const bare = owns.get(PROMISE)
const results = new Map(names.map((name) => [name, measure(name)]))

function measure(name) {
  const found = []
  for (const depth of DEPTHS) {
    const [before, last] = found.slice(-2).map(({ ns }) => ns)
    // Where it grows with depth it will go on growing.
    const expected =
      last === undefined ? 0 : (last * depth * Math.max(1, before === undefined ? 1 : last / before)) / 1e6
    if (expected > LONGEST) break
    try {
      // Small depths are over in a moment and vary more.
      const runs = Array.from({ length: depth <= 1e4 ? 3 : 1 }, () => ask(name, String(depth)))
      found.push({
        ns: median(runs.map(({ handIn, drain }) => handIn + drain)),
        bytes: median(runs.map(({ bytes }) => bytes)) - owns.get(OWN[name] ?? PROMISE),
      })
    } catch (error) {
      if (error.code !== 'ETIMEDOUT') throw error
      break
    }
  }
  return found
}

const row = (cells) => process.stdout.write(`| ${cells.join(' | ')} |\n`)
const heads = DEPTHS.map((depth) => depth.toLocaleString('en'))
row(['ns a waiter', ...heads, 'growth', 'bytes a waiter at 100,000', 'at 1,000,000'])
row(['---', ...DEPTHS.map(() => '---:'), '---:', '---:', '---:'])
for (const [name, found] of results)
  row([
    name,
    ...DEPTHS.map((_, at) => found[at]?.ns.toFixed(0) ?? '> 20 s'),
    `${(found.at(-1).ns / found[1].ns).toFixed(1)} ×`,
    found[2]?.bytes.toFixed(0) ?? '',
    found[3]?.bytes.toFixed(0) ?? '',
  ])
process.stdout.write(
  `\ngrowth: from 10,000 to the deepest measured. A promise and its settlers: ${bare.toFixed(0)} B, taken off.\n`,
)
for (const [name, found] of results) {
  if (!name.startsWith('sluice')) continue
  // A million objects no longer fit any cache, and whoever sorts them pays a logarithm: that much may be seen.
  const growth = found[3] === undefined ? Infinity : found[3].ns / found[1].ns
  judge(growth <= 3, `${name}: ${growth.toFixed(1)} × from 10,000 to 1,000,000; bar: 3 ×`)
  judge(found.at(-1).bytes <= 300, `${name}: ${found.at(-1).bytes.toFixed(0)} B a waiter; bar: 300`)
}

function judge(holds, says) {
  process.stdout.write(`${holds ? 'pass' : 'MISS'}  ${says}\n`)
  if (values.check && !holds) process.exitCode = 1
}
