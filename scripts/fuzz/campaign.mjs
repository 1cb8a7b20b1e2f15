// Runs in a thread of its own, so that whoever started it sees when an input hangs.
import { pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parentPort, workerData } from 'node:worker_threads'
import { hostileShapes, inputOf } from './mutator.mjs'

const { files, inputs, seed, only, input: single, beat, until } = workerData
/** ms. Nothing that a client sends may take longer, however busy the machine. */
const SLOW = 1000
/** Characters of a hostile shape, unless its target says otherwise. */
const LONGEST = 65_536
const MIB = 1 << 20

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

const GUARDED = [Object, Array, Function, String, Number, Map, Promise, RegExp, Error].map(({ prototype }) => prototype)
const own = () => GUARDED.map((each) => Reflect.ownKeys(each).length).join(' ')

const targets = []
for (const file of files) targets.push(...(await import(pathToFileURL(file).href)).targets)
const chosen = targets.filter(({ name }) => only === undefined || name === only)
if (chosen.length === 0) throw new Error(`there is no target ${only}: ${targets.map(({ name }) => name).join(', ')}`)
const whole = chosen.reduce((sum, { weight }) => sum + weight, 0)
const clean = own()
/** The second argument tells the lint that this is no window. */
const tell = (message) => parentPort.postMessage(message, [])
tell({ targets: chosen.map(({ name }) => name) })

function fault(target, index, text, error) {
  const again = `npm run fuzz -- --target ${target.name} --seed ${seed} --input ${index}`
  const why = error instanceof Error ? (error.stack ?? String(error)) : String(error)
  tell({ fault: { target: target.name, index, text: JSON.stringify(text), why, again } })
}

/** One input; what is wrong with it, if anything is. */
async function flawOf(target, text) {
  const began = performance.now()
  try {
    const late = target.check(text)
    if (late instanceof Promise) await late
    else if (performance.now() - began > SLOW) return new Error(`took ${performance.now() - began} ms`)
  } catch (error) {
    return error
  }
  return own() === clean ? undefined : new Error('a prototype was changed')
}

async function smaller(target, text) {
  let least = text
  const end = performance.now() + 2000
  for (let size = Math.ceil(least.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = 0; at < least.length && performance.now() < end;) {
      const less = least.slice(0, at) + least.slice(at + size)
      Atomics.add(beat, 2, 1)
      if ((await flawOf(target, less)) === undefined) at += size
      else least = less
    }
  return least
}

async function report(target, index, text, error) {
  const isPollution = own() !== clean
  fault(target, index, isPollution ? text : await smaller(target, text), error)
}

/** Of the processor, in ms: how long it takes on a busy machine says nothing. */
function timeOf(target, text) {
  const began = process.cpuUsage()
  try {
    target.check(text)
  } catch {
    // Whether it is right is asked elsewhere.
  }
  return process.cpuUsage(began).user / 1000
}

function leastTime(target, text) {
  let least = Infinity
  for (let i = 0; i < 3; i++) least = Math.min(least, timeOf(target, text))
  return least
}

/** Four times the input, four times the time: told where it is more than eight times, and that twice in a row. */
function checkGrowth(target) {
  const size = target.longest ?? LONGEST
  const shapes = [size / 16, size / 4, size].map((each) => [...hostileShapes(target, each)])
  for (const [index, text] of shapes[2].entries()) {
    Atomics.add(beat, 2, 1)
    if (timeOf(target, text) < 30) continue
    // A machine with other work, or a collection of garbage, may have been in the way once or twice.
    const isSteep = () => {
      Atomics.add(beat, 2, 1)
      collect()
      const [least, less, more] = shapes.map((each) => leastTime(target, each[index]))
      return more > 30 && more > 8 * less && less > 8 * least ? `${size}: ${more} ms, a quarter of it: ${less} ms` : ''
    }
    const why = isSteep() && isSteep() && isSteep() && isSteep()
    if (why) fault(target, `shape ${index}`, text.slice(0, 200), new Error(why))
  }
  return shapes[2].length
}

for (const [place, target] of chosen.entries()) {
  Atomics.store(beat, 0, place)
  const count = single === undefined ? Math.ceil((inputs * target.weight) / whole) : 1
  const first = single ?? 0
  await flawOf(target, target.seeds[0])
  collect()
  const before = process.memoryUsage().heapUsed
  const began = performance.now()
  const found = { faults: 0 }
  let done = 0
  const along = target.along ?? 1
  const isEnough = () => done >= count || found.faults >= 3 || Date.now() >= until
  while (!isEnough()) {
    const group = []
    for (let i = 0; i < along && done < count; i++) {
      const index = first + done++
      Atomics.store(beat, 1, index)
      group.push([index, inputOf(target, seed, index)])
    }
    const one = async ([index, text]) => {
      const error = await flawOf(target, text)
      if (error === undefined) return
      found.faults++
      await report(target, index, text, error)
    }
    if (group.length === 1) await one(group[0])
    else await Promise.all(group.map(one))
  }
  if (single === undefined && target.isAsync !== true) done += checkGrowth(target)
  await target.end?.()
  collect()
  await new Promise((resolve) => setTimeout(resolve, 10))
  collect()
  const grown = (process.memoryUsage().heapUsed - before) / MIB
  const took = (performance.now() - began) / 1000
  if (grown > 16) fault(target, 'all', '', new Error(`the heap grew by ${grown.toFixed(1)} MiB over ${done} inputs`))
  tell({ done: { target: target.name, inputs: done, took, grown } })
}
tell({ end: true })
