// An upstream of 20 slots × 50 ms with an unbounded queue, on core 1 by its parent's choice. Prints its port; each line of
// its standard input is a number of slots more (or fewer), its end is the end.
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { Pool } from '../overload/plants.mjs'

const pool = new Pool(20, 50)
const server = createServer({ keepAliveTimeout: 60_000 }, (_request, response) => {
  void pool.work().then(() => response.end('done\n'))
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => process.stdout.write(`${server.address().port}\n`))
createInterface(process.stdin)
  .on('line', (line) => pool.shift(Number(line)))
  .on('close', () => process.exit(0))
