// A node:http hello world, bare or protected: prints its port, ends when its standard input does.
import { createServer } from 'node:http'
import { semaphore } from 'sluice'
import { protect } from 'sluice/node'

const hello = (_request, response) => {
  response.setHeader('content-type', 'text/plain')
  response.end('Hello, world\n')
}
const handlers = {
  bare: hello,
  protected: protect(hello),
  refusing: protect(hello, { gate: fullGate() }),
}

function fullGate() {
  const gate = semaphore({ permits: 1 })
  gate.tryEnter()
  return gate
}

const server = createServer(handlers[process.argv[2]])
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
process.stdin.on('end', () => process.exit(0)).resume()
