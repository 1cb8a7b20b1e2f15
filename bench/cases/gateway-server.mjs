// The gateway before an upstream: `protected` has a limit that finds itself, metrics, the page's figures and lanes,
// `streams` the same with a fixed limit that long streams fit in, `open` has no gate. Prints its port, ends when its
// standard input does.
import { configOf, gatewayPlan } from '../../packages/gateway/dist/src/config/index.js'
import { startGateway } from '../../packages/gateway/dist/src/gateway.js'

const [upstream, kind] = process.argv.slice(2)
const file = `
listen: { port: 0, adminPort: 0 }
upstreams: { default: { servers: [{ url: '${upstream}' }] } }
lanes: { rules: [{ lane: high, path: /login }, { lane: low, path: /reports/* }] }
${kind === 'streams' ? 'limits: { default: { kind: fixed, limit: 2000 } }' : ''}
`
const config = gatewayPlan({ file: configOf('bench.yaml', file, {}) })
const gateway = await startGateway(kind === 'open' ? { upstream, protect: false } : { config })
process.stdout.write(`${gateway.port}\n`)
process.stdin.on('end', () => process.exit(0)).resume()
