// A gate for each key: what a million live keys and ten million hostile ones cost.
//
//   node bench/keys.mjs [--check]
//
// One process a case, processor time, memory after a full collection. --check exits 1 when a bar is missed.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
const script = fileURLToPath(new URL('cases/keys-case.mjs', import.meta.url))
const ask = (...args) =>
  JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', '--max-old-space-size=8192', script, ...args], { encoding: 'utf8' }),
  )
const MiB = 2 ** 20
const row = (cells) => process.stdout.write(`| ${cells.join(' | ')} |\n`)
const judge = (holds, says) => {
  process.stdout.write(`${holds ? 'pass' : 'MISS'}  ${says}\n`)
  if (values.check && !holds) process.exitCode = 1
}

row(['10⁶ live keys', 'first touch, ns', 'again, ns', 'bytes a key', 'with the key', 'in all, MB'])
row(['---', '---:', '---:', '---:', '---:', '---:'])
const live = new Map()
for (const name of ['sluice keyed(tokenBucket)', 'Map of limiter TokenBucket']) {
  const { first, again, bytes, withKeys } = ask('live', name)
  live.set(name, withKeys)
  row([name, first.toFixed(0), again.toFixed(0), bytes.toFixed(0), withKeys.toFixed(0), withKeys.toFixed(0)])
}
process.stdout.write('\n')
row(['10⁷ hostile keys, table of', 'ns an operation', 'growth, MiB'])
row(['---:', '---:', '---:'])
const floods = [1e4, 1e6].map((size) => {
  const { ns, growth } = ask('hostile', 'sluice keyed(tokenBucket)', String(size))
  row([size.toLocaleString('en'), ns.toFixed(0), (growth / MiB).toFixed(1)])
  return { size, growth }
})
process.stdout.write('\n')
const own = live.get('sluice keyed(tokenBucket)')
judge(own <= 120, `10⁶ live keys: ${own.toFixed(0)} MB with their strings; bar: 120 MB`)
for (const { size, growth } of floods)
  judge(
    growth <= 64 * MiB,
    `10⁷ hostile keys: ${(growth / MiB).toFixed(1)} MiB beyond a table of ${size.toLocaleString('en')}; bar: 64 MiB`,
  )
