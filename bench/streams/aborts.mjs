// A client that leaves: when the upstream hears of it, in each phase of a request.
import { client, get, now, quantile, spin, upstream } from './lab.mjs'

/** Longer than this is never. */
const BOUND = 1500
/** So many in a row that were never heard of are enough. */
const ENOUGH = 3

/** What the upstream does before the client leaves, and what it must have got to by then. */
const PHASES = {
  upload: {
    target: '/upload',
    ask: (socket) => socket.write('POST /upload HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\nxxxx'),
  },
  asked: { target: '/asked' },
  head: { target: '/head', serve: (visit) => visit.head() },
  stream: {
    target: '/stream',
    serve: (visit) => {
      visit.head()
      for (let at = 0; at < 5; at++) visit.token()
    },
  },
  stalled: { target: '/stalled', serve: (visit) => void visit.body(50_000_000), isStalled: true },
}

async function leave(port, { target, ask, isStalled = false }, visits) {
  visits.length = 0
  const socket = await client(port)
  let heard = 0
  if (isStalled) socket.pause()
  else socket.on('data', ({ length }) => (heard += length))
  if (ask === undefined) get(socket, target)
  else ask(socket)
  // As far as it is to get: stalled means that nothing more fits in between.
  const ready = (visit) =>
    visit !== undefined &&
    (isStalled
      ? visit.socket.writableLength > 0 && now() - visit.since > 50
      : target !== '/head' && target !== '/stream'
        ? true
        : heard > 0)
  if (!(await spin(() => ready(visits[0]), BOUND))) throw new Error(`${target} never came as far as it should`)
  await spin(() => false, 2)
  const left = now()
  socket.destroy()
  const [visit] = visits
  const isHeard = await spin(() => visit.closedAt !== undefined, BOUND)
  visit.socket.destroy()
  return isHeard ? visit.closedAt - left : Infinity
}

export async function aborts({ contenders, options, rows, bar }) {
  const visits = []
  const up = await upstream((visit) => {
    visit.since = now()
    visits.push(visit)
    PHASES[visit.target.slice(1)]?.serve?.(visit)
  })
  const running = await contenders(up)
  const table = []
  const mine = []
  try {
    for (const { name, port } of running) {
      if (name === 'direct') continue
      const cells = []
      for (const [phase, what] of Object.entries(PHASES)) {
        const took = []
        let problem
        try {
          while (
            took.length < options.aborts &&
            !(took.length >= ENOUGH && took.slice(-ENOUGH).every((ms) => ms === Infinity))
          )
            took.push(await leave(port, what, visits))
        } catch (error) {
          problem = error
        }
        const never = took.filter((ms) => ms === Infinity).length
        const [p50, p99] = [quantile(took, 0.5), quantile(took, 0.99)]
        if (name === 'gateway') mine.push({ phase, p50, never: problem === undefined ? never : took.length + 1 })
        cells.push(
          problem !== undefined
            ? '–'
            : never === took.length
              ? 'never'
              : `${p50.toFixed(1)} / ${p99.toFixed(1)}${never > 0 ? ` (${never} never)` : ''}`,
        )
      }
      table.push([name, ...cells])
    }
  } finally {
    for (const { stop } of running) await stop()
    await up.stop()
  }
  rows(
    `the client leaves, ${options.aborts} times in each phase: the upstream hears of it after p50 / p99 ms`,
    ['', ...Object.keys(PHASES)],
    table,
  )
  // Measured elsewhere: designs with an explicit abort take 1 to 2 ms in every phase.
  for (const { phase, p50, never } of mine)
    bar(`left in phase ${phase}`, `${p50.toFixed(1)} ms, ${never} never`, '2 ms, 0 never', p50 <= 2 && never === 0)
}
