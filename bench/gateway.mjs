// What the gateway costs beside the least a Node proxy can do, in the same run: the proxies share one core in turn; nginx
// (the upstream) and wrk share the other.
import { fileURLToPath } from 'node:url'
import { startNginx } from './cases/nginx.mjs'
import { compare, startServer } from './cases/rounds.mjs'

const path = (name) => fileURLToPath(new URL(`cases/${name}.mjs`, import.meta.url))
const upstream = await startNginx(128)
const servers = []
try {
  const passthrough = await startServer(path('passthrough-server'), [upstream.url])
  servers.push({ name: 'bare node:http → undici', server: passthrough })
  for (const [kind, name] of [
    ['protected', 'gateway, adaptive limit'],
    ['open', 'gateway, no gate'],
  ])
    servers.push({ name, server: await startServer(path('gateway-server'), [upstream.url, kind]) })
  const contenders = servers.map(({ name, server }) => ({ name, url: `http://127.0.0.1:${server.port}/` }))
  contenders.push({ name: 'nginx itself', url: `${upstream.url}/` })
  compare(contenders, 5, { seconds: 3, connections: 64 })
} finally {
  for (const { server } of servers) await server.stop()
  await upstream.stop()
}
