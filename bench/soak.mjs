// `npm run bench -- soak --for 10m`: a gateway of two workers with a limit in Redis, at 1.5 times what its upstream can do,
// and a fault every ten seconds. What is printed is judged at the end: exit code 1 where something is not as it should be.
import { fork, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../packages/sluice/dist/test/integration/free-port.js'

if (!process.argv.includes('--for')) {
  console.log('only where it is asked for: npm run bench -- soak --for 10m')
  process.exit(0)
}
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const [, amount = '10', unit = 'm'] = /^(\d+)(s|m|h)$/.exec(process.argv[process.argv.indexOf('--for') + 1] ?? '') ?? []
const LENGTH = Number(amount) * { s: 1000, m: 60_000, h: 3_600_000 }[unit]
const [CAPACITY, RATE, EVERY, LASTS] = [200, 300, 10_000, 4000]
/** The first part of the run, in which memory is still being filled. */
const WARM = Math.min(60_000, LENGTH / 3)

const folder = mkdtempSync(join(tmpdir(), 'sluice-soak-'))
const children = new Set()
function own(child) {
  children.add(child)
  child.on('exit', () => children.delete(child))
  return child
}
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))

let upstream
async function startUpstream(port) {
  upstream = own(fork(here('./cases/soak-upstream.mjs'), [String(port)]))
  return await new Promise((resolve) => upstream.once('message', (told) => resolve(told.port)))
}

const redisPort = await freePort()
let redis
function startRedis() {
  redis = own(
    spawn('redis-server', ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--dir', folder], {
      stdio: 'ignore',
    }),
  )
  redis.on('error', (error) => {
    process.stderr.write(`sluice: redis-server is needed for this: ${error.message}\n`)
    process.exit(2)
  })
}

const upstreamPort = await startUpstream(0)
startRedis()
await sleep(1000)
const port = await freePort()
const file = join(folder, 'gateway.yaml')
writeFileSync(
  file,
  `listen: { host: 127.0.0.1, port: ${port}, adminPort: 0 }
redis: { url: "redis://127.0.0.1:${redisPort}" }
upstreams: { app: { servers: [{ url: "http://127.0.0.1:${upstreamPort}" }], timeouts: { headers: 2s } } }
limits: { default: { kind: fixed, limit: 25, scope: fleet, onDown: share, queue: { capacity: 20, maxWait: 500ms } } }
`,
)
const main = here('../packages/gateway/dist/src/cli/main.js')
const gateway = own(
  spawn(process.execPath, [main, 'run', file, '--workers', '2'], { stdio: ['ignore', 'pipe', 'pipe'] }),
)
let [out, err] = ['', '']
gateway.stdout.setEncoding('utf8').on('data', (text) => (out += text))
gateway.stderr.setEncoding('utf8').on('data', (text) => (err += text))
for (let waited = 0; !out.includes('\n'); waited += 50) {
  if (waited > 60_000 || gateway.exitCode !== null) throw new Error(`the gateway does not start: ${err}`)
  await sleep(50)
}
/** Worker 1 is never killed: what it holds is looked at. */
const survivor = {
  pid: Number(/workers \((\d+)/.exec(out)[1]),
  adminPort: Number(/metrics on http:\/\/127\.0\.0\.1:(\d+)/.exec(out)[1]),
}

async function held() {
  const text = await new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port: survivor.adminPort, path: '/metrics', agent: false }, (res) => {
      let body = ''
      res.setEncoding('utf8').on('data', (part) => (body += part))
      res.on('end', () => resolve(body))
    }).on('error', reject)
  })
  const value = (name) => Number(new RegExp(`^${name}\\{worker="1"\\} (\\S+)$`, 'm').exec(text)?.[1] ?? 0)
  return {
    heap: value('nodejs_heap_size_used_bytes'),
    resources: value('nodejs_active_resources_total'),
    descriptors: readdirSync(`/proc/${survivor.pid}/fd`).length,
  }
}

/** Whoever has the place of worker 2 now. */
function second() {
  const pids = readFileSync(`/proc/${gateway.pid}/task/${gateway.pid}/children`, 'utf8').trim().split(' ').map(Number)
  return pids.find((pid) => pid !== survivor.pid) ?? 0
}

const kill = (pid, signal) => {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already.
  }
}
const redisSays = (...words) =>
  new Promise((resolve) =>
    spawn('redis-cli', ['-p', String(redisPort), ...words], { stdio: 'ignore' })
      .on('close', resolve)
      .on('error', resolve),
  )
const mode = (which) => ({ begin: () => upstream.send(which), end: () => upstream.send('well') })

/** Each begins, lasts four seconds, and ends. */
const FAULTS = {
  'upstream killed': { begin: () => upstream.kill('SIGKILL'), end: () => startUpstream(upstreamPort) },
  'upstream paused': { begin: () => upstream.kill('SIGSTOP'), end: () => upstream.kill('SIGCONT') },
  'upstream slow (4×)': mode('slow'),
  'upstream resetting': mode('resetting'),
  'upstream garbage': mode('garbage'),
  'redis killed': { begin: () => redis.kill('SIGKILL'), end: startRedis },
  'redis paused': { begin: () => redis.kill('SIGSTOP'), end: () => redis.kill('SIGCONT') },
  'redis emptied': { begin: () => redisSays('FLUSHALL'), end() {} },
  'worker killed': { begin: () => kill(second(), 'SIGKILL'), end() {}, cuts: true },
  SIGHUP: { begin: () => gateway.kill('SIGHUP'), end() {} },
}

const ROWS = new Map()
const rowOf = (name) => {
  if (!ROWS.has(name)) ROWS.set(name, { ms: 0, asked: 0, good: 0, refused: 0, failed: 0, cut: 0 })
  return ROWS.get(name)
}
let now = 'no fault'
/** Until when a cut connection is one of those of a worker that was killed. */
let cutsUntil = 0
/** @type {{ lost: string[], dishonest: string[], wrong: number, open: number }} */
const all = { lost: [], dishonest: [], wrong: 0, open: 0 }
const agent = new Agent({ keepAlive: true, maxSockets: Infinity, scheduling: 'fifo' })

function judge(res, body, row) {
  const { statusCode: status, headers } = res
  if (status === 200) {
    row.good++
    if (body !== `answer to ${res.req.path}`) all.wrong++
    return
  }
  const refusal = status === 503 || status === 429
  row[refusal ? 'refused' : 'failed']++
  let code
  try {
    ;({ code } = JSON.parse(body).error)
  } catch {
    // No envelope: dishonest.
  }
  const comesBack = Number(headers['retry-after']) >= 1
  const told = refusal ? Number(headers['retry-after-ms']) > 0 && headers['sluice-rejection'] !== undefined : true
  if (![502, 503, 504, 429].includes(status) || code === undefined || !comesBack || !told)
    all.dishonest.push(`${now}: ${status} ${JSON.stringify(headers)} ${body.slice(0, 100)}`)
}

let number = 0
function ask() {
  const row = rowOf(now)
  row.asked++
  all.open++
  const began = performance.now()
  let over = false
  const end = (what) => {
    if (over) return
    over = true
    all.open--
    if (what === undefined) return
    row.cut++
    // An idle connection that ends just as it is used again was never accepted: that is for the client to repeat.
    if (performance.now() > cutsUntil)
      all.lost.push(`${now}: ${what} after ${Math.round(performance.now() - began)} ms`)
  }
  const req = request({ host: '127.0.0.1', port, path: `/${++number}`, agent, timeout: 15_000 }, (res) => {
    let body = ''
    res.setEncoding('utf8').on('data', (part) => (body += part))
    res.on('error', (error) => end(error.message))
    res.on('end', () => {
      judge(res, body, row)
      end()
    })
  })
  req.on('timeout', () => req.destroy(new Error('no answer in 15 s')))
  req.on('error', (error) => end(error.message))
  req.end()
}

// What is made once and kept belongs to the start; idle connections the upstream ends after four seconds.
for (let before = 0; before < 2 * RATE; before++) {
  ask()
  await sleep(1000 / RATE)
}
const quiet = async () => {
  for (let waited = 0; all.open > 0 && waited < 20_000; waited += 50) await sleep(50)
  agent.destroy()
  await sleep(8000)
}
await quiet()
ROWS.clear()
const start = await held()
const begun = performance.now()
const heaps = []
let asked = 0
const ticker = setInterval(() => {
  // An open loop: what could not be asked in time is asked late, not left out.
  for (const due = ((performance.now() - begun) / 1000) * RATE; asked < due; asked++) ask()
}, 10)
const watcher = setInterval(() => {
  const see = ({ heap }) => {
    const at = performance.now() - begun
    if (at > WARM) heaps.push([at / 60_000, heap / 1024 ** 2])
  }
  // A worker that was just killed has nothing to tell.
  held().then(see, () => {})
}, 1000)
const names = Object.keys(FAULTS)
for (let turn = 0; performance.now() - begun < LENGTH - EVERY; turn++) {
  now = 'no fault'
  let since = performance.now()
  await sleep(EVERY - LASTS)
  rowOf('no fault').ms += performance.now() - since
  const name = names[turn % names.length]
  const { begin, end, cuts } = FAULTS[name]
  since = performance.now()
  now = name
  if (cuts) cutsUntil = since + 2000
  await begin()
  await sleep(LASTS)
  await end()
  rowOf(name).ms += performance.now() - since
}
now = 'no fault'
const since = performance.now()
await sleep(EVERY - LASTS)
rowOf('no fault').ms += performance.now() - since
clearInterval(ticker)
clearInterval(watcher)
await quiet()
const rest = await held()
gateway.kill('SIGTERM')
const code = await new Promise((resolve) => gateway.once('exit', resolve))

/** The lowest of every ten samples: between collections the heap only grows. */
const lows = []
for (let at = 0; at + 10 <= heaps.length; at += 10)
  lows.push(heaps.slice(at, at + 10).reduce((low, each) => (each[1] < low[1] ? each : low)))
function slopeOf(points) {
  const mean = (at) => points.reduce((sum, point) => sum + point[at], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const [over, under] = points.reduce(([a, b], [px, py]) => [a + (px - x) * (py - y), b + (px - x) ** 2], [0, 0])
  return under === 0 ? 0 : over / under
}
const slope = slopeOf(lows)
const pad = (value, width) => String(value).padStart(width)
console.log(
  `${LENGTH / 1000} s at ${RATE}/s, upstream ${CAPACITY}/s, limit 25 in Redis, two workers, a fault of 4 s every 10 s`,
)
console.log(`${'during'.padEnd(20)}   asked  good/s  refused  502,504   cut`)
for (const [name, { ms, asked: came, good, refused, failed, cut }] of ROWS)
  console.log(
    `${name.padEnd(20)} ${pad(came, 7)} ${pad((good / (ms / 1000)).toFixed(0), 7)} ${pad(refused, 8)} ${pad(failed, 8)} ${pad(cut, 5)}`,
  )
const share = (ROWS.get('no fault').good / (ROWS.get('no fault').ms / 1000) / CAPACITY) * 100
const verdicts = [
  ['goodput between faults, of capacity', `${share.toFixed(0)} %`, share >= 80],
  ['refusals and failures that do not say why, or when to come back', all.dishonest.length, all.dishonest.length === 0],
  ['answers that are not those to the request', all.wrong, all.wrong === 0],
  ['lost, but for those a killed worker had', all.lost.length, all.lost.length === 0],
  ['heap after warm-up, MiB/min', slope.toFixed(2), slope <= 1],
  [
    'descriptors before and after',
    `${start.descriptors} ${rest.descriptors}`,
    rest.descriptors <= start.descriptors + 4,
  ],
  [
    'timers and other resources before and after',
    `${start.resources} ${rest.resources}`,
    rest.resources <= start.resources + 4,
  ],
  ['exit code after SIGTERM', code, code === 0],
]
for (const [what, value, good] of verdicts) console.log(`${good ? 'ok  ' : 'FAIL'} ${what}: ${value}`)
for (const line of [...all.dishonest.slice(0, 3), ...all.lost.slice(0, 5)]) console.log(`     ${line}`)
if (!verdicts.every(([, , good]) => good)) console.log(err.split('\n').slice(-8).join('\n'))
process.exit(verdicts.every(([, , good]) => good) ? 0 : 1)
