// `npm run fuzz`: every parser that meets bytes of others, with inputs that follow from a seed.
//   npm run fuzz -- --inputs 1000000 [--seed 1] [--for 30m] [--target NAME [--input N]] [--planted]
// Needs `npm run build`. Ends with 1 when an input crashes, hangs, is slow, changes a prototype or breaks a law.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { root } from './setup.mjs'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    for: { type: 'string' },
    target: { type: 'string' },
    input: { type: 'string' },
    planted: { type: 'boolean', default: false },
  },
})
/** ms without a sign of life before an input counts as hanging. */
const PATIENCE = values.target === 'hang' ? 2000 : 20_000
const UNITS = { s: 1000, m: 60_000, h: 3_600_000 }
const [, amount, unit] = /^(\d+)([smh])$/.exec(values.for ?? '') ?? []
if (values.for !== undefined && unit === undefined) throw new Error('--for takes a duration like 30m')

function targetFiles() {
  const found = []
  for (const name of ['sluice', 'gateway']) {
    const folder = join(root, 'packages', name, 'dist', 'test', 'fuzz')
    for (const entry of readdirSync(folder).toSorted())
      if (entry.endsWith('-targets.js') && entry.startsWith('planted') === values.planted)
        found.push(join(folder, entry))
  }
  return found
}

function campaign(seed, until) {
  const beat = new Int32Array(new SharedArrayBuffer(12))
  const workerData = {
    files: targetFiles(),
    inputs: Number(values.inputs),
    seed,
    only: values.target,
    input: values.input === undefined ? undefined : Number(values.input),
    beat,
    until,
  }
  const worker = new Worker(new URL('./fuzz/campaign.mjs', import.meta.url), { workerData })
  const sum = { inputs: 0, faults: 0, targets: 0 }
  return new Promise((resolve, reject) => {
    let names = []
    let last = ''
    let since = performance.now()
    const watch = setInterval(() => {
      const now = beat.join(' ')
      if (now !== last) [last, since] = [now, performance.now()]
      else if (names.length > 0 && performance.now() - since > PATIENCE) {
        sum.faults++
        const [place, index] = beat
        process.stdout.write(
          `FAULT ${names[place]}: input ${index} hangs\n  npm run fuzz -- --target ${names[place]} --seed ${seed} --input ${index}\n`,
        )
        clearInterval(watch)
        void worker.terminate().then(() => resolve(sum))
      }
    }, 250)
    worker.on('message', (message) => {
      if (message.targets !== undefined) names = message.targets
      if (message.fault !== undefined) {
        sum.faults++
        const { target, index, text, why, again } = message.fault
        process.stdout.write(`FAULT ${target}, input ${index}, seed ${seed}: ${why}\n  ${text}\n  ${again}\n`)
      }
      if (message.done !== undefined) {
        const { target, inputs, took, grown } = message.done
        sum.inputs += inputs
        sum.targets++
        const figures = [`${inputs} inputs`, `${took.toFixed(1)} s`, `heap ${grown.toFixed(1)} MiB`]
        process.stdout.write(`${target.padEnd(24)} ${figures.join('  ')}\n`)
      }
      if (message.end === true) {
        clearInterval(watch)
        void worker.terminate().then(() => resolve(sum))
      }
    })
    worker.on('error', (error) => {
      clearInterval(watch)
      reject(error)
    })
  })
}

const began = performance.now()
const until = amount === undefined ? Infinity : Date.now() + Number(amount) * UNITS[unit]
const all = { inputs: 0, faults: 0, targets: 0 }
const isOver = () => amount === undefined || Date.now() >= until || all.faults > 0
for (let seed = Number(values.seed); ; seed++) {
  const sum = await campaign(seed, until)
  all.inputs += sum.inputs
  all.faults += sum.faults
  all.targets = Math.max(all.targets, sum.targets)
  if (isOver()) break
}
const took = ((performance.now() - began) / 1000).toFixed(0)
process.stdout.write(
  `fuzz: ${all.inputs} inputs, ${all.targets} targets, ${all.faults} faults, seed ${values.seed}, ${took} s\n`,
)
process.exit(all.faults > 0 ? 1 : 0)
