// A gate for each key: what a million live keys and ten million hostile ones cost.
//
//   node bench/keys.mjs [--check]
//
// One process a case, processor time, memory after a full collection. A flood that is not over within a minute is given
// up and counts as missed. --check exits 1 when a bar is missed.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
const script = fileURLToPath(new URL('cases/keys-case.mjs', import.meta.url))
const LONGEST = 60_000
const ask = (...args) =>
  JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', '--max-old-space-size=8192', script, ...args], {
      encoding: 'utf8',
      timeout: LONGEST,
      killSignal: 'SIGKILL',
    }),
  )
const MiB = 2 ** 20
const row = (cells) => process.stdout.write(`| ${cells.join(' | ')} |\n`)
const judge = (holds, says) => {
  process.stdout.write(`${holds ? 'pass' : 'MISS'}  ${says}\n`)
  if (values.check && !holds) process.exitCode = 1
}

row(['10⁶ live keys', 'first touch, ns', 'again, ns', 'bytes a key', 'with the key itself'])
row(['---', '---:', '---:', '---:', '---:'])
const live = new Map()
for (const name of ['sluice keyed(tokenBucket)', 'Map of limiter TokenBucket']) {
  const found = ask('live', name)
  live.set(name, found)
  row([name, ...[found.first, found.again, found.bytes, found.withKeys].map((value) => value.toFixed(0))])
}
process.stdout.write('\n')
row(['10⁷ hostile keys, table of', 'ns an operation', 'growth, MiB'])
row(['---:', '---:', '---:'])
const floods = [1e4, 1e6].map((size) => {
  let found
  try {
    found = ask('hostile', 'sluice keyed(tokenBucket)', String(size))
  } catch (error) {
    if (error.code !== 'ETIMEDOUT') throw error
  }
  const cells = found === undefined ? ['> 60 s', ''] : [found.ns.toFixed(0), (found.growth / MiB).toFixed(1)]
  row([size.toLocaleString('en'), ...cells])
  return { size, growth: found?.growth ?? Infinity }
})
process.stdout.write('\n')
const { bytes, withKeys } = live.get('sluice keyed(tokenBucket)')
judge(
  bytes <= 120,
  `10⁶ live keys: ${bytes.toFixed(0)} MB, ${withKeys.toFixed(0)} MB with the keys themselves; bar: 120 MB`,
)
for (const { size, growth } of floods)
  judge(
    growth <= 64 * MiB,
    `10⁷ hostile keys: ${(growth / MiB).toFixed(1)} MiB beyond a table of ${size.toLocaleString('en')}; bar: 64 MiB`,
  )
