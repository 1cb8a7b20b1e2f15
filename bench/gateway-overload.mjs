// Ten times what an upstream of 20 slots × 50 ms can do, through the gateway (told nothing), HAProxy with a perfect
// `maxconn` and 300 ms of queue, nginx with a perfect `limit_conn`, and nothing: goodput within 500 ms, open loop.
//
//   npm run bench -- gateway-overload                  three scenes: two minutes
//   npm run bench -- gateway-overload --scene quarter --only gateway,haproxy --seconds 6 [--check]
//   npm run bench -- gateway-overload --only gateway,workers      beside two processes that share their limit
//
// In `quarter` and `fourfold` the upstream's slots change by four times in mid-run; what was perfect stays as it was. The
// first 3 s are left out, and 2 s after a change. Each is a process of its own. Where the load came late the machine was busy
// with something else, and the row says nothing.
// --check exits 1 where the gateway keeps less than 95 %.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { openLoop } from '../packages/gateway/dist/src/load/index.js'
import { proxyProgram, startProxy } from './cases/c-proxies.mjs'
import { startServer } from './cases/rounds.mjs'
import { transportTo } from './overload/transports.mjs'

const { values } = parseArgs({
  options: {
    scene: { type: 'string' },
    only: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '4000' },
    check: { type: 'boolean', default: false },
  },
})
const rate = Number(values.rate)

/** Slots that come or go in mid-run. */
const scenes = {
  steady: { means: '20 slots', change: 0 },
  quarter: { means: '20 slots, then 5', change: -15 },
  fourfold: { means: '20 slots, then 80', change: 60 },
}
const SERVICE = 0.05
const ANYWHERE = `0-${availableParallelism() - 1}`
const path = (name) => fileURLToPath(new URL(`cases/${name}.mjs`, import.meta.url))

const contenders = {
  gateway: {
    name: 'gateway, told nothing',
    start: (upstream) => startServer(path('gateway-server'), [`http://${upstream}`, 'protected'], ANYWHERE),
  },
  workers: {
    name: 'gateway, two workers, told nothing',
    start: (upstream) => startServer(path('gateway-workers'), [`http://${upstream}`], ANYWHERE),
  },
  haproxy: {
    name: 'HAProxy, `maxconn 20`',
    start: (upstream) => startProxy('haproxy', upstream, { maxconn: 20 }, ANYWHERE),
  },
  nginx: {
    name: 'nginx, `limit_conn 20`',
    start: (upstream) => startProxy('nginx', upstream, { limit: 20 }, ANYWHERE),
  },
  direct: { name: 'nothing', start: undefined },
}

/** Again, three times at most, while the machine was too busy to offer what should be offered; then the best. */
async function runPunctually(scene, contender) {
  let best
  for (let tries = 0; tries < 3 && best?.punctual !== true; tries++) {
    const measured = await run(scene, contender)
    if (best === undefined || measured.punctual || measured.good > best.good) best = measured
  }
  return best
}

async function run(scene, contender) {
  const { change } = scenes[scene]
  const upstream = await startServer(path('slots-server'), [], ANYWHERE)
  const before = await contenders[contender].start?.(`127.0.0.1:${upstream.port}`)
  try {
    const transport = await transportTo((before ?? upstream).port, 'kept')
    const phases = [
      { name: 'left out', rate, duration: 3000 },
      ...(change === 0 ? [] : [{ name: 'after the change', rate, duration: 2000 }]),
      { name: 'measured', rate, duration: Number(values.seconds) * 1000 },
    ]
    const report = await openLoop({
      transport,
      phases,
      onSecond: ({ at }) => {
        if (at === 3 && change !== 0) upstream.say(change)
      },
    })
    transport.close()
    return report.phases.at(-1)
  } finally {
    await before?.stop()
    await upstream.stop()
  }
}

let missed = 0
const wanted = values.only?.split(',') ?? ['gateway', 'haproxy', 'nginx', 'direct']
for (const scene of values.scene?.split(',') ?? Object.keys(scenes)) {
  const { means, change } = scenes[scene]
  const possible = (20 + change) / SERVICE
  process.stdout.write(`\n## ${means}: ${rate} requests/s offered, ${possible} possible\n\n`)
  process.stdout.write(
    '| before the upstream | good/s | of what is possible | p50 ms | p99 ms | refused | unanswered |\n',
  )
  process.stdout.write('|---|---:|---:|---:|---:|---:|---:|\n')
  for (const contender of wanted) {
    if (contender in { haproxy: 1, nginx: 1 } && proxyProgram(contender) === undefined) {
      process.stdout.write(`| ${contender} is not installed: left out |\n`)
      continue
    }
    const { good, duration, offered, rejected, timeouts, errors, admitted, punctual } = await runPunctually(
      scene,
      contender,
    )
    const share = (good / duration) * (1000 / possible)
    if ((contender === 'gateway' || contender === 'workers') && share < 0.95) missed++
    const percent = (value) => `${(value * 100).toFixed(0)} %`
    const columns = [
      `${contenders[contender].name}${punctual ? '' : ' (load came late)'}`,
      ((good / duration) * 1000).toFixed(0),
      percent(share),
      admitted.p50.toFixed(0),
      admitted.p99.toFixed(0),
      percent(rejected / offered),
      percent((timeouts + errors) / offered),
    ]
    process.stdout.write(`| ${columns.join(' | ')} |\n`)
  }
}
if (values.check && missed > 0) process.exitCode = 1
