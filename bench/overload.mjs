// Goodput under overload over real sockets: four plants, everybody before them, one table.
//
//   node bench/overload.mjs                          Sluice and nobody at 10×, and the gateway: about two minutes
//   node bench/overload.mjs --all --write            every cell, half an hour; the tables go into docs/overload.md
//   node bench/overload.mjs --plant c --times 10 --contender sluice,none --connections kept --seconds 7 [--check]
//
// --json prints a line of JSON a cell. --read FILE --write puts such lines of earlier runs into the page, together with
// whatever cells are asked for besides.
//
// Open loop: arrival k is due at t0 + k/rate whatever happens; latency, the bound of goodput (500 ms) and the client's
// patience (1 s) count from the due time. The first 3 s are left out: a limit has to be found first. Server and load are
// processes of their own. --check exits 1 unless Sluice keeps 95 % of what is possible in every cell measured, the
// gateway too, while no protection at all loses 95 % of it in front of slots.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { capacityOf, measure } from './overload/cell.mjs'
import { contenders } from './overload/contenders.mjs'
import { plants } from './overload/plants.mjs'
import { printCells, writePage } from './overload/tables.mjs'

const { values } = parseArgs({
  options: {
    plant: { type: 'string' },
    times: { type: 'string' },
    contender: { type: 'string' },
    connections: { type: 'string' },
    seconds: { type: 'string', default: '7' },
    all: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    read: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
})

function chosen(name, usual, known) {
  const list = values[name]?.split(',') ?? usual
  for (const one of list)
    if (!known.includes(one)) {
      process.stderr.write(`overload: no ${name} '${one}'; there are ${known.join(', ')}\n`)
      process.exit(2)
    }
  return list
}

const everybody = [...Object.keys(contenders), 'gateway']
const wanted = {
  plants: chosen('plant', Object.keys(plants), Object.keys(plants)),
  contenders: chosen('contender', values.all ? Object.keys(contenders) : ['none', 'sluice', 'gateway'], everybody),
  connections: chosen('connections', values.all ? ['kept', 'fresh'] : ['kept'], ['kept', 'fresh']),
  times: (values.times?.split(',') ?? (values.all ? [2, 5, 10] : [10])).map(Number),
}

const earlier =
  values.read === undefined
    ? []
    : readFileSync(values.read, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line))
// Only written: what an earlier run has measured.
if (values.read !== undefined && !values.all && values.plant === undefined && values.contender === undefined)
  wanted.plants = []

const cells = []
for (const plant of wanted.plants)
  for (const connections of wanted.connections) {
    const capacity = await capacityOf(plant, connections)
    for (const times of wanted.times)
      for (const contender of wanted.contenders) {
        // The gateway is a process of its own before a service of its own: computing there is not its business.
        if (contender === 'gateway' && plants[plant].capacity === undefined) continue
        const cell = await measure({ plant, contender, times, connections, capacity, seconds: Number(values.seconds) })
        cells.push(cell)
        if (values.json) console.log(JSON.stringify(cell))
        else printCells([cell], cells.length === 1)
      }
  }
if (values.write) writePage([...cells, ...earlier])
if (values.check) {
  const failed = cells.filter(({ contender, plant, share }) => {
    if (contender === 'none') return plants[plant].capacity !== undefined && share > 0.05
    return (contender === 'sluice' || contender === 'gateway') && share < 0.95
  })
  for (const { plant, contender, times, connections, share } of failed)
    process.stderr.write(
      `overload: ${contender} at ${times}× ${plant}, ${connections}: ${(share * 100).toFixed(0)} %\n`,
    )
  if (failed.length > 0) process.exitCode = 1
}
