// The gateway before language models: what it costs beside a bare proxy and beside Portkey, how soon it notices who leaves,
// and what readers that do not read hold. `node bench/llm-gateway.mjs [overhead|disconnect|leaks|readers]… [--rounds 5]
// [--aborts 100000] [--readers 1000]`. One process for each server, all on this machine; ratios count, not figures.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { setUp } from '../scripts/setup.mjs'
import { gaps, inflightOf, resident } from './cases/llm-probes.mjs'
import { bytesOf, closedLoop, openLoop, quantile, Wire } from './cases/llm-wire.mjs'
import { portkey } from './cases/portkey.mjs'
import { freePort } from '../packages/sluice/dist/test/integration/free-port.js'

setUp()
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    aborts: { type: 'string', default: '100000' },
    readers: { type: 'string', default: '1000' },
  },
})
const ROUNDS = Number(values.rounds)
const WANTED = positionals.length === 0 ? ['overhead', 'disconnect', 'leaks', 'readers'] : positionals
const SLUICE = fileURLToPath(new URL('../packages/gateway/dist/src/cli/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
const children = []
const bars = []

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const say = (line = '') => process.stdout.write(`${line}\n`)
const median = (figures) => quantile(figures, 0.5)

function bar(what, figure, unit, least, most) {
  const met = (least === undefined || figure >= least) && (most === undefined || figure <= most)
  const wanted = most === undefined ? `at least ${least}` : `at most ${most}`
  bars.push(`| ${what} | ${figure.toFixed(2)} ${unit} | ${wanted} | ${met ? 'met' : '**missed**'} |`)
}

/** A server of its own; `ready` finds its port in what it says. */
async function start(args, ready) {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  let said = ''
  child.stdout.on('data', (part) => (said += part))
  for (let tries = 0; tries < 600 && ready.exec(said) === null; tries++) await sleep(20)
  const found = ready.exec(said)
  if (found === null) throw new Error(`${args.join(' ')} said ${said}`)
  return { port: Number(found[1]), pid: child.pid, child }
}

async function stop({ child }) {
  children.splice(children.indexOf(child), 1)
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

const upstreamServer = () => start([fileURLToPath(new URL('cases/llm-upstream.mjs', import.meta.url))], /^(\d+)\n/)
const bareProxy = (port) =>
  start([fileURLToPath(new URL('cases/llm-bare-proxy.mjs', import.meta.url)), `http://127.0.0.1:${port}`], /^(\d+)\n/)

function gateway(port, section) {
  const file = join(folder, `${Math.random()}.yaml`)
  const listen = '{ host: 127.0.0.1, port: 0, adminPort: 0, clientTimeout: 1h }'
  const models = `{ servers: [{ url: 'http://127.0.0.1:${port}' }], hostHeader: upstream }`
  writeFileSync(file, `listen: ${listen}\nupstreams: { models: ${models} }\nllm: ${section}\n`)
  return start([SLUICE, 'run', file], /http:\/\/127\.0\.0\.1:(\d+) ->/)
}

async function overhead() {
  const upstream = await upstreamServer()
  const contenders = [
    { name: 'nothing between', port: upstream.port, headers: {} },
    { name: 'bare node:http proxy', ...(await bareProxy(upstream.port)), headers: {} },
    { name: 'Sluice', ...(await gateway(upstream.port, '{ dialect: openai }')), headers: {} },
  ]
  const server = portkey()
  if (server === undefined) say('Portkey cannot be had here: npm has no registry to ask.')
  else {
    const port = await freePort()
    const child = await start([server, `--port=${port}`, '--headless'], /localhost:(\d+)/)
    const host = `http://127.0.0.1:${upstream.port}/v1`
    const headers = { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': host, authorization: 'Bearer x' }
    contenders.push({ name: 'Portkey 1.15.2', ...child, port, headers })
  }
  for (const each of contenders) {
    each.whole = bytesOf({ headers: each.headers })
    each.stream = bytesOf({ headers: each.headers, stream: true })
    await closedLoop(each.port, each.whole, { connections: 16, ms: 1500 })
    await closedLoop(each.port, each.stream, { connections: 16, ms: 500 })
    Object.assign(each, { p50: [], p99: [], first: [], rate: [], streamRate: [], failed: 0 })
  }
  for (let round = 0; round < ROUNDS; round++)
    for (const each of contenders) {
      // Portkey does not get as far.
      const rate = each.name.startsWith('Portkey') ? 300 : 1000
      const open = await openLoop(each.port, each.whole, { rate, ms: 2500 })
      each.p50.push(quantile(open.times, 0.5))
      each.p99.push(quantile(open.times, 0.99))
      const one = await closedLoop(each.port, each.stream, { connections: 1, ms: 700 })
      each.first.push(median(one.results.map(({ first }) => first)))
      const whole = await closedLoop(each.port, each.whole, { connections: 32, ms: 1500 })
      each.rate.push(whole.rate)
      const streamed = await closedLoop(each.port, each.stream, { connections: 32, ms: 1500 })
      each.streamRate.push(streamed.rate)
      each.failed += open.failed + one.failed + whole.failed + streamed.failed
    }
  const [direct, bare, ours, theirs] = contenders
  const over = (each, base, field) => each[field].map((figure, round) => figure - base[field][round])
  say(`\n## overhead (1,000 calls a second; Portkey: 300; medians of ${ROUNDS} rounds, the best in brackets)\n`)
  say('| between | p50 ms | p99 ms | over nothing: p50 | p99 | first token | calls/s at 32 | streamed | failed |')
  say('|---|---:|---:|---:|---:|---:|---:|---:|---:|')
  for (const each of contenders) {
    const figures = [median(each.p50).toFixed(2), median(each.p99).toFixed(2)]
    for (const field of ['p50', 'p99', 'first']) {
      const more = over(each, direct, field)
      figures.push(`${median(more).toFixed(2)} (${Math.min(...more).toFixed(2)})`)
    }
    figures.push(median(each.rate).toFixed(0), median(each.streamRate).toFixed(0), each.failed)
    say(`| ${each.name} | ${figures.join(' | ')} |`)
  }
  bar('overhead p50 at 1,000/s, best round', Math.min(...over(ours, direct, 'p50')), 'ms', undefined, 0.3)
  bar('overhead p99 at 1,000/s, best round', Math.min(...over(ours, direct, 'p99')), 'ms', undefined, 2)
  bar('first token later, best round', Math.min(...over(ours, direct, 'first')), 'ms', undefined, 1)
  const ratio = (a, b, field) => median(a[field].map((figure, round) => figure / b[field][round]))
  bar('throughput over the bare proxy', ratio(ours, bare, 'rate'), 'x', 0.8)
  if (theirs !== undefined) {
    bar('throughput over Portkey', ratio(ours, theirs, 'rate'), 'x', 2)
    bar('streamed, over Portkey', ratio(ours, theirs, 'streamRate'), 'x', 2)
  }
  for (const each of [upstream, ...contenders.slice(1)]) await stop(each)
}

/** Doors in this process: only here both ends are seen by one clock. */
async function rig() {
  const { withDoor } = await import('../packages/gateway/dist/test/integration/llm-gateway-rig.js')
  return withDoor
}

async function until(condition) {
  for (
    const end = performance.now() + 10_000;
    !(await condition());
    await new Promise((resolve) => setImmediate(resolve))
  )
    if (performance.now() > end) throw new Error('waited in vain')
}

/** Aborts in a round. */
const TIMES = 200

async function disconnect() {
  const withDoor = await rig()
  say('\n## who leaves: until its slot is free and the model server knows\n')
  say('| phase | aborts | p50 ms | p99 ms, best round | of all | slots lost |\n|---|---:|---:|---:|---:|---:|')
  const waiting = (door) => door.line.status.waiting
  const PHASES = {
    queued: { yaml: 'inflight: { count: 1, adaptive: false }', stream: true, how: 'queued' },
    'before the first token': { stream: true, emulator: { engine: { ttft: 60_000 } } },
    'in the middle': { stream: true, emulator: { engine: { tokensPerSecond: 500 }, output: 100_000 } },
    'not streamed': { stream: false, emulator: { engine: { ttft: 60_000 } } },
    'in the sleep before another attempt': {
      yaml: 'retries: { owner: gateway, attempts: 10 }',
      stream: true,
      emulator: { faults: [{ fault: { kind: 'overloaded' } }] },
      how: 'sleeping',
    },
  }
  let worst = 0
  for (const [name, { yaml = '', stream, emulator = { engine: { ttft: 60_000 } }, how }] of Object.entries(PHASES)) {
    const took = []
    let lost = 0
    await withDoor({ yaml, emulators: [emulator] }, async ({ port, door, emulator: { provider } }) => {
      const bytes = bytesOf({ stream, headers: { 'x-emulate': '{"output":100000}' } })
      const blocker = how === 'queued' ? new Wire(port) : undefined
      void blocker?.call(bytes).catch(() => {})
      if (blocker !== undefined) await until(() => door.line.status.inflight === 1)
      for (let n = 0; n < TIMES * ROUNDS; n++) {
        const wire = new Wire(port)
        const { retried } = door.counts
        void wire.call(bytes).catch(() => {})
        if (how === 'queued') await until(() => waiting(door) === 1)
        else if (how === 'sleeping') await until(() => door.counts.retried > retried && door.line.status.inflight === 0)
        else if (name === 'in the middle')
          await until(() => door.counts.admitted > n && provider.log.last(1)[0].produced > 1)
        else await until(() => provider.engine.busy === 1)
        const record = provider.log.last(1)[0]
        const gone = () =>
          how === 'queued'
            ? waiting(door) === 0
            : how === 'sleeping'
              ? door.status.held.count === 0
              : record.fate !== 'open' && door.line.status.inflight === 0
        const left = performance.now()
        wire.leave()
        await until(gone)
        took.push(performance.now() - left)
      }
      lost = door.line.status.inflight - (blocker === undefined ? 0 : 1) + door.status.held.count
      blocker?.leave()
    })
    const rounds = Array.from({ length: ROUNDS }, (_, at) => quantile(took.slice(at * TIMES, (at + 1) * TIMES), 0.99))
    const p99 = Math.min(...rounds)
    worst = Math.max(worst, p99)
    const figures = [took.length, quantile(took, 0.5).toFixed(2), p99.toFixed(2), quantile(took, 0.99).toFixed(2), lost]
    say(`| ${name} | ${figures.join(' | ')} |`)
  }
  bar('disconnect, p99 of the worst phase', worst, 'ms', undefined, 20)
}

async function leaks() {
  const withDoor = await rig()
  const times = Number(values.aborts)
  const emulators = [1, 2].map(() => ({ engine: { ttft: 10, tokensPerSecond: 200 }, output: 2000, logSize: 10 }))
  const yaml = 'inflight: { count: 30 }\nqueue: { max: 100 }\nretries: { owner: gateway }'
  await withDoor({ yaml, emulators }, async ({ port, door, emulators: behind }) => {
    const begun = performance.now()
    let left = times
    const bytes = [true, false].map((stream) => bytesOf({ stream, prompt: 'x'.repeat(3000) }))
    const one = async () => {
      while (left-- > 0) {
        const wire = new Wire(port)
        const whole = bytes[left % 2]
        void wire.call(left % 11 === 0 ? whole.subarray(0, 1000) : whole).catch(() => {})
        await wire.ready
        // Whatever it has come to by then.
        await sleep(2 + Math.random() * 60)
        wire.leave()
      }
    }
    await Promise.all(Array.from({ length: 120 }, one))
    const idle = ({ provider: { engine } }) => engine.busy + engine.queued === 0
    await until(() => door.status.held.count === 0 && door.line.status.inflight === 0 && behind.every(idle)).catch(
      () => {},
    )
    const { inflight, waiting, tokens } = door.line.status
    const { count, bytes: held, tokens: heldTokens } = door.status.held
    const { departed, refused } = door.counts
    const lost = inflight + waiting + count
    say(`\n## ${times} aborts in ${((performance.now() - begun) / 1000).toFixed(1)} s\n`)
    say(`left while uploading ${departed.upload}, waiting ${departed.waiting}, before the head ${departed.asked}, `)
    say(`in the answer ${departed.answering}; refused ${refused.full + refused.share + refused.late}.`)
    say(`Left behind: ${lost} slots, ${held} bytes, ${tokens + heldTokens} tokens; at the model servers `)
    say(`${behind.map(({ provider }) => provider.engine.busy + provider.engine.queued).join(' and ')} generations.`)
    bar(`slots lost in ${times} aborts`, lost + tokens + held, '', undefined, 0)
  })
}

async function readers() {
  const many = Number(values.readers)
  const upstream = await upstreamServer()
  const path = join(folder, 'door.sock')
  const script = fileURLToPath(new URL('cases/llm-door.mjs', import.meta.url))
  const door = await start([script, String(upstream.port), path], /^(\d+)\n/)
  const watch = { streams: 50, every: 50, ms: 3000 }
  // One without them beside it, asked in turn: whatever else this machine does hits both.
  const control = join(folder, 'control.sock')
  const other = await start([script, String(upstream.port), control], /^(\d+)\n/)
  for (const each of [path, control]) await gaps(each, { ...watch, ms: 1500 })
  const base = resident(door.pid)
  const wires = []
  // More than all buffers on the way to a reader hold together.
  const flood = bytesOf({ stream: true, headers: { 'x-bench': 'flood 700' } })
  for (let n = 0; n < many; n++) {
    const wire = new Wire(path)
    wire.pause()
    void wire.call(flood).catch(() => {})
    wires.push(wire)
    if (n % 20 === 19) await sleep(50)
  }
  await sleep(5000)
  const stalled = await inflightOf(path)
  const each = (resident(door.pid) - base) / stalled
  const [during, before] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    during.push(quantile(await gaps(path, watch), 0.99))
    before.push(quantile(await gaps(control, watch), 0.99))
  }
  const held = (resident(door.pid) - base) / stalled
  say(
    `\n## ${many} readers that do not read (${stalled} of them with more to come than the kernel takes), beside 50 that do (a token every ${watch.every} ms)\n`,
  )
  say(
    `the gateway's door: ${base} kB before, ${each.toFixed(0)} kB more for each reader, ${held.toFixed(0)} kB at the end`,
  )
  const list = (figures) => figures.map((figure) => figure.toFixed(1)).join(', ')
  say(
    `between two tokens, p99 of ${ROUNDS} rounds in turn: ${list(before)} ms without them, ${list(during)} ms beside them`,
  )
  bar('memory for each stalled reader', Math.max(each, held), 'kB', undefined, 256)
  bar('between two tokens, p99, best rounds', Math.min(...during) / Math.min(...before), 'x', undefined, 1.1)
  const left = performance.now()
  for (const wire of wires) wire.leave()
  await until(async () => (await inflightOf(path)) === 0)
  say(`all leave at once: every slot is free after ${(performance.now() - left).toFixed(0)} ms`)
  for (const each of [door, other, upstream]) await stop(each)
}

try {
  for (const part of WANTED) await { overhead, disconnect, leaks, readers }[part]()
  say('\n| bar | measured | wanted | |\n|---|---:|---|---|')
  for (const line of bars) say(line)
} finally {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
}
