// The pool with real processes and sockets: 1, 4 and 16 workers share a Redis and an emulated provider (`sluice emulate`) for
// each profile, through the official SDKs. Beside it, in the same run: the SDK's backoff alone, a bucket in each process,
// Bottleneck over Redis, the algorithm of OpenAI's cookbook. Then what happens when things change. Rows of Sluice say what
// was measured, the bar, and whether it was met.
//
//   node bench/llm-fleet.mjs [--quick] [limit|peers|events|store|killed …]
//
// Limits are per minute, and the clock is the real one: nothing is scaled. Large calls at the start use up the minute's
// bucket, so that the limit is met after seconds instead of a minute. Counts are the emulator's, from its reset after that.
import { setTimeout as sleep } from 'node:timers/promises'
import { noRedis, RedisServer } from '../packages/sluice/dist/test/integration/redis-server.js'
import { heading, row } from './fleet/rows.mjs'
import { PROFILES } from './cases/llm-fleet-profiles.mjs'
import { Job, Stage, usedOf } from './cases/llm-fleet-stage.mjs'

const quick = process.argv.includes('--quick')
const SOME = ['openai', 'anthropic', 'gemini']
const FLEETS = quick ? [4] : [1, 4, 16]
const LONG = quick ? 8000 : 60_000
const AFTER = quick ? 12_000 : 15_000
/** Of corrections that cost once, some s of refill. */
const EVENT = quick ? 22_000 : 40_000
const percent = (part) => `${(100 * part).toFixed(1)} %`
const last = (seen) => seen.at(-1)

const stage = new Stage()
const servers = []
async function redis() {
  const server = await RedisServer.start()
  servers.push(server)
  return server
}

/** Begins jobs together, does something with each once it is at the limit, and ends them. */
async function together(jobs, patience, what) {
  await stage.grow(Math.max(...jobs.map(({ first, job }) => first + job.processes)))
  return Promise.all(
    jobs.map(async (job) => {
      await job.begin(patience)
      const found = await what(job)
      job.said = await job.end()
      return found
    }),
  )
}

async function limit({ port }) {
  for (const processes of FLEETS) {
    const names = quick ? SOME : Object.keys(PROFILES)
    const jobs = names.map((profile) => new Job(stage, { profile, processes, redis: port }))
    const found = await together(jobs, 30_000, (job) => job.watch(LONG))
    heading(`${processes} process${processes > 1 ? 'es' : ''}: used of the tight limit, 429s since it was met (before)`)
    for (const [at, name] of names.entries()) {
      const used = usedOf(found[at])
      const { refused } = last(found[at])
      const { before } = jobs[at]
      row(name, `${percent(used)}, ${refused} (${before})`, '99 %, 0', used >= 0.99 && refused + before === 0)
    }
  }
}

async function peers({ port }) {
  const STRATEGIES = { sdk: 'SDK alone', bucket: 'own bucket', bottleneck: 'Bottleneck', cookbook: 'cookbook' }
  for (const processes of FLEETS) {
    const jobs = Object.keys(STRATEGIES).map(
      (strategy) => new Job(stage, { profile: 'openai', processes, strategy, redis: port }),
    )
    const found = await together(jobs, quick ? 12_000 : 15_000, (job) => job.watch(quick ? 6000 : 10_000))
    heading(
      `${processes} process${processes > 1 ? 'es' : ''}, openai, without the pool: used, 429s since then (before)`,
    )
    for (const [at, name] of Object.values(STRATEGIES).entries()) {
      const { refused } = last(found[at])
      const failed = jobs[at].said.reduce((sum, one) => sum + (one?.failed ?? 0), 0)
      row(name, `${percent(usedOf(found[at]))}, ${refused} (${jobs[at].before}); ${failed} calls failed for good`)
    }
  }
}

/** Somebody else with the same key, who wants a fifth of the limit, in calls of ordinary size. Answers what it got. */
function stranger(job, duration) {
  const { dimension, limit: most } = PROFILES[job.profile]
  const sum = { tokens: 0, refused: 0 }
  const call = async (tokens) => {
    const text = 'abcd'.repeat(Math.max(1, job.profile === 'gemini' ? tokens - 4 : 1))
    const [path, body] =
      dimension === 'output'
        ? ['v1/messages', { model: 'm', max_tokens: tokens, messages: [{ role: 'user', content: text }] }]
        : ['v1/chat/completions', { model: 'm', max_tokens: tokens, messages: [{ role: 'user', content: text }] }]
    const headers = { 'content-type': 'application/json', 'x-emulate': JSON.stringify({ output: tokens }) }
    const response = await fetch(`${job.emulator.url}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    await response.arrayBuffer()
    if (response.ok) sum.tokens += tokens
    else sum.refused++
  }
  const ended = (async () => {
    const tokens = Math.round((0.2 * most) / 600)
    const calls = []
    for (const until = performance.now() + duration; performance.now() < until; await sleep(100))
      calls.push(call(tokens))
    await Promise.all(calls)
  })()
  return { sum, ended }
}

const EVENTS = {
  'estimates -30 %': async (job) => ({ seen: await job.watch(EVENT), foreign: { tokens: 0, refused: 0 } }),
  'others use 20 %': async (job) => {
    const { sum, ended } = stranger(job, EVENT)
    const seen = await job.watch(EVENT)
    await ended
    return { seen, foreign: sum }
  },
  'limit halved': async (job) => {
    await job.order('limits', { factor: 0.5 })
    await job.order('reset')
    return { seen: await job.watch(EVENT), foreign: { tokens: 0, refused: 0 } }
  },
}

async function events({ port }) {
  const processes = 4
  const profiles = quick ? ['openai'] : SOME
  const cases = Object.keys(EVENTS).flatMap((event) => profiles.map((profile) => ({ event, profile })))
  const jobs = cases.map(
    ({ event, profile }) =>
      new Job(stage, { profile, processes, redis: port, ...(event.startsWith('estimates') && { bias: 0.7 }) }),
  )
  const found = await together(jobs, 30_000, (job) => EVENTS[cases[jobs.indexOf(job)].event](job))
  heading(`${processes} processes, at the limit: used of what is left after the event, 429s within 2 s of it + later`)
  for (const [at, { event, profile }] of cases.entries()) {
    const { seen, foreign } = found[at]
    const { refused } = last(seen)
    const used = usedOf(seen, foreign.tokens)
    const isBiased = event.startsWith('estimates')
    const soon = seen.findLast((one) => one.at <= 2000).refused + (isBiased ? jobs[at].before : 0)
    const all = refused + (isBiased ? jobs[at].before : 0) - foreign.refused
    const figures = `${percent(used)}, ${Math.min(all, soon)} + ${Math.max(0, all - soon)}`
    row(`${event}, ${profile}`.padEnd(30), figures, '97 %, 3 + 0', used >= 0.97 && all <= 3 && all <= soon)
  }
}

/** When it was back: from then on 95 % of the limit was used in any 3 s. In s since `from`, or `Infinity`. */
function regained(seen, from) {
  const rate = ({ at, charged, limit: most }) => {
    const later = seen.find((one) => one.at >= at + 3000)
    return later === undefined ? undefined : ((later.charged - charged) / (later.at - at)) * (60_000 / most)
  }
  const good = seen.find((one) => one.at >= from && (rate(one) ?? 0) >= 0.95)
  return good === undefined ? Infinity : Math.max(0, good.at - from) / 1000
}

/** Redis is away for 10 s. */
async function store() {
  const processes = quick ? 4 : 16
  const ways = { 'stands still': ['SIGSTOP', 'SIGCONT'], 'killed, empty after': ['SIGKILL'] }
  const own = await Promise.all(Object.keys(ways).map(() => redis()))
  const jobs = own.map((server) => new Job(stage, { profile: 'openai', processes, redis: server.port }))
  const found = await together(jobs, 30_000, async (job) => {
    const at = jobs.indexOf(job)
    const watched = job.watch(10_000 + AFTER)
    const [gone, back] = Object.values(ways)[at]
    own[at].signal(gone)
    await sleep(10_000)
    if (back === undefined) await own[at].start()
    else own[at].signal(back)
    return watched
  })
  heading(`${processes} processes, openai, Redis away for 10 s: 429s; used meanwhile; s until 95 % is used again`)
  for (const [at, name] of Object.keys(ways).entries()) {
    const { refused } = last(found[at])
    const meanwhile = usedOf(found[at].filter((one) => one.at <= 10_000))
    const back = regained(found[at], 10_000)
    const figures = `${refused}; ${percent(meanwhile)}; ${back.toFixed(1)} s`
    row(name, figures, '0; 5 s', refused === 0 && back <= 5)
  }
}

/** A quarter of the workers is killed. */
async function killed({ port }) {
  const processes = quick ? 4 : 16
  // Workers that do nothing else, where other parts run meanwhile.
  const killing = new Job(stage, { profile: 'openai', processes, redis: port, first: quick ? 4 : 0 })
  const [found] = await together([killing], 30_000, (job) => {
    for (const worker of job.workers.slice(-processes / 4)) worker.kill('SIGKILL')
    return job.watch(AFTER)
  })
  heading(
    `${processes} processes, openai, a quarter of them killed (-9): 429s; used after it; s until 95 % is used again`,
  )
  const { refused } = last(found)
  const back = regained(found, 0)
  row('pool', `${refused}; ${percent(usedOf(found))}; ${back.toFixed(1)} s`, '0; 5 s', refused === 0 && back <= 5)
}

async function main() {
  if (noRedis) return process.stdout.write(`skipped: ${noRedis}\n`)
  const parts = { limit, peers, events, store, killed }
  const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'))
  const begun = performance.now()
  const server = await redis()
  const groups = quick
    ? [
        ['limit', 'peers'],
        ['events', 'store', 'killed'],
      ]
    : Object.keys(parts).map((name) => [name])
  for (const group of wanted.length > 0 ? [wanted] : groups) await Promise.all(group.map((name) => parts[name](server)))
  return process.stdout.write(`\n${((performance.now() - begun) / 1000).toFixed(0)} s in all\n`)
}

try {
  await main()
} finally {
  await stage.end()
  for (const server of servers) await server.stop()
}
