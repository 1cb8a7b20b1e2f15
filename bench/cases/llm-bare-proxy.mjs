// The least a Node proxy can do: `node:http` in front, `node:http` behind, two pipes. Prints its port.
import { Agent, createServer, request } from 'node:http'

const { hostname, port } = new URL(process.argv[2])
const agent = new Agent({ keepAlive: true, maxSockets: Infinity })
const server = createServer({ keepAliveTimeout: 120_000 }, (req, res) => {
  const { method, url: path, headers } = req
  const out = request({ hostname, port, agent, method, path, headers }, (answer) => {
    res.writeHead(answer.statusCode, answer.headers)
    answer.pipe(res)
  })
  out.on('error', () => res.destroy())
  res.on('close', () => out.destroy())
  req.pipe(out)
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
process.stdin.resume().on('end', () => process.exit(0))
