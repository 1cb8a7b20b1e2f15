// What `protect` costs a node:http hello world: server on one core, wrk on the other.
import { fileURLToPath } from 'node:url'
import { compare, startServer } from './cases/rounds.mjs'

const script = fileURLToPath(new URL('cases/hello-server.mjs', import.meta.url))
const names = {
  bare: 'node:http, bare',
  protected: 'with protect(): every request admitted',
  refusing: 'with protect(): every request refused',
}
const servers = []
for (const kind of Object.keys(names)) servers.push({ name: names[kind], server: await startServer(script, [kind]) })
try {
  const contenders = servers.map(({ name, server }) => ({ name, url: `http://127.0.0.1:${server.port}/` }))
  compare(contenders, 5, { seconds: 3, connections: 50 })
} finally {
  for (const { server } of servers) await server.stop()
}
