// What a door does to one request, without a network: requests and responses of node:http on a socket that goes nowhere.
import { channel } from 'node:diagnostics_channel'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { protect } from 'sluice/node'

const handler = () => {}
const guarded = {
  bare: () => handler,
  sluice: () => protect(handler),
  'sluice, limit: 1000': () => protect(handler, { limit: 1000 }),
}
const listener = guarded[process.argv[2]]()
// As node:http has one: with a parser, and each response told of when it is written out.
const socket = Object.assign(new Socket(), { parser: {} })
const finished = channel('http.server.response.finish')
const A_BATCH = 10_000
const BATCHES = 100

function one() {
  const request = new IncomingMessage(socket)
  request.method = 'GET'
  request.url = '/'
  request.httpVersionMajor = 1
  const response = new ServerResponse(request)
  // As node:http has one of its own.
  response.on('finish', handler)
  listener(request, response)
  response.finished = true
  if (finished.hasSubscribers) finished.publish({ request, response, socket })
  response.emit('finish')
  response.emit('close')
}

const times = []
for (let batch = 0; batch < BATCHES; batch++) {
  const began = process.hrtime.bigint()
  for (let at = 0; at < A_BATCH; at++) one()
  times.push(Number(process.hrtime.bigint() - began) / A_BATCH)
  await new Promise((resolve) => setImmediate(resolve))
}
// The quickest batch: whatever else the machine does can only make it slower.
process.stdout.write(`${Math.min(...times)}\n`)
process.exit()
