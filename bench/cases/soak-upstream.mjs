// An upstream of 20 places of 100 ms with an endless queue, that can be made worse by messages.
import { createServer } from 'node:http'

const [PLACES, TIME] = [20, 100]
let mode = 'well'
let busy = 0
const line = []

function next() {
  while (busy < PLACES && line.length > 0) {
    const { req, res } = line.shift()
    if (res.destroyed) continue
    busy++
    let over = false
    const free = () => {
      if (over) return
      over = true
      clearTimeout(timer)
      busy--
      next()
    }
    const timer = setTimeout(
      () => {
        if (mode === 'resetting' && Math.random() < 0.5) req.socket.resetAndDestroy()
        else if (mode === 'garbage' && Math.random() < 0.5) req.socket.end('HTTP/1.1 2x0 ???\r\nnonsense\0\r\n\r\n')
        else res.end(`answer to ${req.url}`)
        free()
      },
      mode === 'slow' ? 4 * TIME : TIME,
    )
    res.on('close', free)
  }
}

const server = createServer({ keepAliveTimeout: 4000 }, (req, res) => {
  line.push({ req, res })
  next()
})
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', (next) => (mode = next))
process.on('disconnect', () => process.exit())
