// The gateway's door to language models on a Unix socket: there the kernel holds 200 kB for a reader that does not read, and
// not the tens of MB a TCP connection may have on some machines. `node llm-door.mjs UPSTREAM-PORT SOCKET`.
import { createServer } from 'node:http'
import { configOf } from '../../packages/gateway/dist/src/config/index.js'
import { LlmDoor, soleMember } from '../../packages/gateway/dist/src/llm/index.js'
import { ProxyCounts, screen } from '../../packages/gateway/dist/src/proxy/index.js'
import { undiciUpstream } from '../../packages/gateway/dist/src/proxy/undici-upstream.js'

const [port, socket] = process.argv.slice(2)
const origin = new URL(`http://127.0.0.1:${port}`)
const upstream = undiciUpstream({ origin, connectTimeout: 5000, headersTimeout: 600_000, bodyTimeout: 0 })
const text = `llm: { dialect: openai, inflight: { count: 100000, tokens: 1000000000, adaptive: false }, slowReader: { stall: 1h }, queue: { max: 5000 } }`
const door = new LlmDoor({
  config: configOf('bench.yaml', text, {}).config.llm,
  members: [soleMember(upstream)],
  rules: () => ({ host: 'upstream', upstreamHost: origin.host, trustForwarded: false }),
  others: (_req, res) => void res.end(JSON.stringify(door.status)),
  whoOf: () => ({ tenant: '', priority: 2 }),
  counts: new ProxyCounts(),
})
const server = createServer({ highWaterMark: 65_536, keepAliveTimeout: 65_000, requestTimeout: 0 }, screen(door.handle))
server.listen(socket, () => process.stdout.write(`${process.pid}\n`))
process.stdin.resume().on('end', () => process.exit(0))
