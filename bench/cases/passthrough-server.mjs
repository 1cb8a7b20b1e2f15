// The least a reverse proxy can do: node:http in front, undici's dispatch behind, nothing else. Prints its port, ends when
// its standard input does.
import { createServer } from 'node:http'
import { Pool } from 'undici'

const pool = new Pool(process.argv[2])

const server = createServer((request, response) => {
  const headers = []
  for (let at = 0; at < request.rawHeaders.length; at += 2)
    if (request.rawHeaders[at].toLowerCase() !== 'connection')
      headers.push(request.rawHeaders[at], request.rawHeaders[at + 1])
  pool.dispatch(
    { method: request.method, path: request.url, headers },
    {
      onRequestStart() {},
      onResponseStart(controller, status) {
        const raw = controller.rawHeaders.map(String)
        response.writeHead(
          status,
          raw.filter((_, at) => raw[at & ~1].toLowerCase() !== 'connection'),
        )
      },
      onResponseData(_controller, chunk) {
        response.write(chunk)
      },
      onResponseEnd() {
        response.end()
      },
      onResponseError() {
        response.destroy()
      },
    },
  )
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
process.stdin.on('end', () => process.exit(0)).resume()
