// A proxy made of a Node package before an upstream, set up as its documentation says for many connections. Prints its
// port, ends when its standard input does.
import { Agent, createServer } from 'node:http'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const [name, upstream] = process.argv.slice(2)
// What every one of them needs to keep its connections; their defaults open a new one for each request, or few at once.
const agent = new Agent({ keepAlive: true, maxSockets: 1024, maxFreeSockets: 1024, scheduling: 'lifo' })

function listen(handle) {
  const server = createServer(handle)
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
}

const proxies = {
  async 'fast-proxy'() {
    const { proxy } = require('fast-proxy')({ base: upstream, keepAliveMsecs: 60_000, maxSockets: 1024 })
    listen((req, res) => proxy(req, res, req.url, {}))
  },
  async 'http-proxy'() {
    const proxy = require('http-proxy').createProxyServer({ target: upstream, agent, xfwd: true })
    proxy.on('error', (_error, _req, res) => res.destroy?.())
    listen((req, res) => proxy.web(req, res))
  },
  async 'http-proxy-3'() {
    const { createProxyServer } = await import('http-proxy-3')
    const proxy = createProxyServer({ target: upstream, agent, xfwd: true })
    proxy.on('error', (_error, _req, res) => res.destroy?.())
    listen((req, res) => proxy.web(req, res))
  },
  async '@fastify/http-proxy'() {
    const [{ fastify }, { default: httpProxy }] = await Promise.all([import('fastify'), import('@fastify/http-proxy')])
    const app = fastify({ logger: false })
    await app.register(httpProxy, { upstream, undici: { connections: 1024, pipelining: 1 } })
    await app.listen({ port: 0, host: '127.0.0.1' })
    process.stdout.write(`${app.server.address().port}\n`)
  },
}

await proxies[name]()
process.stdin.on('end', () => process.exit(0)).resume()
