// 20 slots x 50 ms behind the gateway and without it, offered ten times its capacity.
//
//   node bench/overload.mjs [--times 10] [--seconds 9] [--json] [--check]
//
// Open loop: arrival k is due at t0 + k/rate whatever happens; latency, the bound of goodput (500 ms) and the client's
// timeout (1 s) count from the due time. The first 3 s are left out: the limit has to be found first. Each part runs in
// a process of its own, as in `sluice demo`: load here, upstream and gateway each in a child. `direct` means without a
// gateway at all: straight at the upstream. --check exits 1 unless the gateway keeps 95 % of capacity while direct
// loses 95 % of it.
import { parseArgs } from 'node:util'
import { startChild } from '../packages/gateway/dist/src/demo/child.js'
import { httpTransport, openLoop } from '../packages/gateway/dist/src/load/index.js'

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '9' },
    json: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})
const SLOTS = 20
const SERVICE = 50
const CAPACITY = (SLOTS / SERVICE) * 1000
const LEFT_OUT = 3000
const rate = CAPACITY * Number(values.times)
const duration = Number(values.seconds) * 1000 - LEFT_OUT

const rows = [await measure('direct', false), await measure('gateway', true)]
if (values.json) console.log(JSON.stringify(rows, undefined, 2))
else print(rows)
if (values.check) {
  const [direct, gateway] = rows.map(({ good }) => ((good / duration) * 1000) / CAPACITY)
  if (!(gateway >= 0.95 && direct <= 0.05)) process.exitCode = 1
}

async function measure(name, behindGateway) {
  const children = []
  try {
    const upstream = await startChild({ role: 'upstream', slots: SLOTS, service: SERVICE })
    children.push(upstream)
    let front = upstream
    if (behindGateway) {
      front = await startChild({ role: 'gateway', upstream: `http://127.0.0.1:${upstream.port}`, protect: true })
      children.push(front)
    }
    const transport = httpTransport({ url: `http://127.0.0.1:${front.port}/` })
    let limit
    const { phases } = await openLoop({
      transport,
      phases: [
        { name: 'left out', rate, duration: LEFT_OUT },
        { name: 'measured', rate, duration },
      ],
      // Read while the load is still on: afterwards the limit says nothing about it.
      onSecond: () => (limit = front.load.limit),
    })
    transport.close()
    return { ...phases[1], name, limit }
  } finally {
    await Promise.all(children.map((child) => child.stop()))
  }
}

function print(rows) {
  const perSecond = (count) => Math.round((count / duration) * 1000)
  const ms = (value) => Math.round(value * 10) / 10
  console.log(`${SLOTS} slots x ${SERVICE} ms = ${CAPACITY}/s, offered ${rate}/s for ${duration / 1000} s`)
  console.log(`(first ${LEFT_OUT / 1000} s left out; good = 2xx within 500 ms of the due time; timeout 1 s)\n`)
  console.table(
    Object.fromEntries(
      rows.map(({ name, limit, offered, good, rejected, timeouts, errors, late, admitted, refused }) => [
        name,
        {
          'offered/s': perSecond(offered),
          'good/s': perSecond(good),
          '% of capacity': Math.round((perSecond(good) / CAPACITY) * 1000) / 10,
          'p50 ms': ms(admitted.p50),
          'p99 ms': ms(admitted.p99),
          'rejected/s': perSecond(rejected),
          'rejected p99 ms': ms(refused.p99),
          'timeouts/s': perSecond(timeouts),
          'errors/s': perSecond(errors),
          'late %': Math.round((late / offered) * 1000) / 10,
          'limit at end': limit ?? '-',
        },
      ]),
    ),
  )
}
