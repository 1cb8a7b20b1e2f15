// One contender before one plant in a process of its own: `node server.mjs PLANT CONTENDER`, started with an IPC channel.
// Says { port }, then what it holds and what processor time it has used, four times a second. `halve` is obeyed.
import { contenders } from './contenders.mjs'
import { plants } from './plants.mjs'

const [plantName, contender] = process.argv.slice(2)
const description = plants[plantName]
const plant = description.open()
const server = await contenders[contender].serve(description, () => plant.work())

// However the parent ends, the channel closes.
process.on('disconnect', () => process.exit(0))
process.on('message', (message) => {
  if (message === 'halve') plant.halve()
})
// Kept-alive clients stay as long as the run: the default of 5 s would close the idle among 2,000 under their hands.
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  process.send({ port: server.address().port })
  setInterval(() => {
    const { user, system } = process.cpuUsage()
    // The parent may be gone already; `disconnect` ends us then.
    process.send({ stats: server.gate?.stats, cpu: (user + system) / 1000 }, () => {})
  }, 250).unref()
})
