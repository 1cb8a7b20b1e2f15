// What admitting and refusing cost, beside peers in the same run: one process a case, median of seven batches.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('cases/micro-case.mjs', import.meta.url))
const ask = (name) => JSON.parse(execFileSync(process.execPath, ['--expose-gc', script, name], { encoding: 'utf8' }))

/** Whom each group is measured against. */
const baselines = { enter: 'async-sema', run: 'run: cockatiel bulkhead' }

const results = new Map(ask('--list').map((name) => [name, ask(name)]))
const row = (cells) => process.stdout.write(`| ${cells.join(' | ')} |\n`)
row(['case', 'ns an operation', 'lowest … highest', 'bytes', 'rate against'])
row(['---', '---:', '---:', '---:', '---'])
for (const [name, { ns, low, high, bytes }] of results) {
  const baseline = baselines[name.startsWith('run: ') ? 'run' : 'enter']
  const ratio = results.get(baseline).ns / ns
  row([
    name,
    ns.toFixed(1),
    `${low.toFixed(1)} … ${high.toFixed(1)}`,
    bytes.toFixed(0),
    `${ratio.toFixed(2)} × ${baseline.replace('run: ', '')}`,
  ])
}
const clock = results.get('two clock readings').ns
process.stdout.write(`\nlimiter beyond two clock readings: ${(results.get('sluice limiter').ns - clock).toFixed(0)} ns`)
process.stdout.write(`, observed: ${(results.get('sluice limiter, observed').ns - clock).toFixed(0)} ns\n`)
const refusal = results.get('sluice refusal, limiter').ns / results.get('sluice limiter').ns
process.stdout.write(`a limiter's refusal costs ${(refusal * 100).toFixed(0)} % of its admission and release\n`)
