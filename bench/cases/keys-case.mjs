// One case in one process: a table of keys is filled or flooded. Prints ns an operation and what stays in memory.
import { TokenBucket } from 'limiter'
import { keyed, tokenBucket } from 'sluice'

const MILLION = 1e6
const rate = { tokens: 1000, capacity: 1000 }

/** A table that answers whether a key may pass. */
const tables = {
  'sluice keyed(tokenBucket)': (maxKeys) => {
    const gate = keyed(
      ({ flow }) => flow,
      () => tokenBucket(rate),
      { maxKeys },
    )
    return (key) => {
      const verdict = gate.tryEnter({ flow: key })
      if (verdict.admitted) verdict.release('success')
      return verdict.admitted
    }
  },
  'Map of limiter TokenBucket': () => {
    const buckets = new Map()
    return (key) => {
      let bucket = buckets.get(key)
      if (bucket === undefined) {
        bucket = new TokenBucket({ bucketSize: 1000, tokensPerInterval: 1000, interval: 'second' })
        bucket.content = 1000
        buckets.set(key, bucket)
      }
      return bucket.tryRemoveTokens(1)
    }
  },
}

function spent() {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

/** Everything that is held, typed arrays included. */
function held() {
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Flat and not shared with anything: as a key that was read off a request. */
const keyOf = (word, at) => JSON.parse(`"${word}-${at.toString().padStart(9, '0')}"`)

/** A million keys that all stay: made before, or weighed with their table. */
function live(table) {
  const atStart = held()
  const keys = Array.from({ length: MILLION }, (_, at) => keyOf('client', at))
  const before = held()
  const pass = table(MILLION)
  const begin = spent()
  for (let at = 0; at < MILLION; at++) if (!pass(keys[at])) throw new Error('refused')
  const first = (spent() - begin) / MILLION
  const bytes = held() - before
  const onceMore = spent()
  // In another order than they came.
  for (let at = 0; at < MILLION; at++) if (!pass(keys[(at * 7919) % MILLION])) throw new Error('refused')
  const again = (spent() - onceMore) / MILLION
  // The array is not the table's, its strings are.
  return { first, again, bytes: bytes / MILLION, withKeys: (bytes + before - atStart - 8 * MILLION) / MILLION }
}

/** Ten million keys nobody has seen before, against a table that is full already. */
function hostile(table, maxKeys) {
  const pass = table(maxKeys)
  for (let at = 0; at < maxKeys; at++) pass(keyOf('client', at))
  // So that what is made once, at the first stranger, is in the table's account.
  const before = held()
  let most = before
  let time = 0
  for (let part = 0; part < 5; part++) {
    const begin = spent()
    for (let at = 0; at < 2 * MILLION; at++) pass(`stranger-${part}-${at}`)
    time += spent() - begin
    most = Math.max(most, held())
  }
  return { ns: time / (10 * MILLION), growth: most - before }
}

const [kind, name, size] = process.argv.slice(2)
const result = kind === 'live' ? live(tables[name]) : hostile(tables[name], Number(size))
process.stdout.write(JSON.stringify(result), () => process.exit(0))
