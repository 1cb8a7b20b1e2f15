// Streams of tokens: what a proxy adds to the way of each token, beside no proxy at all.
import { client, get, now, quantile, spin, upstream } from './lab.mjs'

/** One round: so many streams, each with so many tokens a second. @returns latencies in ms, and what got lost */
async function round(port, visits, { streams, rate, seconds }) {
  visits.length = 0
  const latencies = []
  const sockets = []
  for (let at = 0; at < streams; at++) {
    const socket = await client(port)
    sockets.push(socket)
    let rest = ''
    socket.setEncoding('latin1')
    socket.on('data', (text) => {
      const heard = now()
      rest += text
      for (let from = rest.indexOf('t='); from >= 0; from = rest.indexOf('t=')) {
        const end = rest.indexOf(';', from)
        if (end < 0) break
        latencies.push(heard - Number(rest.slice(from + 2, end)))
        rest = rest.slice(end)
      }
    })
    get(socket, '/tokens')
  }
  if (!(await spin(() => visits.length === streams))) throw new Error(`${visits.length} of ${streams} streams came`)
  for (const visit of visits) visit.head()
  // One after the other, evenly over the time: a token is due every so many ms.
  const every = 1000 / (streams * rate)
  const all = streams * rate * seconds
  const since = now() + 100
  // What the connections cost to open is no part of it.
  const warm = Math.floor(all / 10)
  let sent = 0
  let late = 0
  await spin(() => {
    for (; sent < all && since + sent * every <= now(); sent++) {
      if (sent === warm) latencies.length = 0
      if (now() - since - sent * every > 5) late++
      visits[sent % streams].token()
    }
    return sent === all
  }, seconds * 3000)
  await spin(() => latencies.length >= all - warm, 2000)
  for (const visit of visits) visit.end()
  for (const socket of sockets) socket.destroy()
  await spin(() => visits.every(({ closedAt }) => closedAt !== undefined), 1000)
  for (const visit of visits) visit.socket.destroy()
  return { latencies, lost: Math.max(0, all - warm - latencies.length), late: late / all }
}

/** What is measured of each contender, in µs. */
export async function tokens({ contenders, options, rows, bar }) {
  const visits = []
  const up = await upstream((visit) => visits.push(visit))
  const running = await contenders(up)
  const wish = { streams: options.streams, rate: options.rate, seconds: options.seconds }
  const figures = new Map()
  try {
    for (let number = 0; number < options.rounds; number++)
      for (const { name, port } of running) {
        const { latencies, lost, late } = await round(port, visits, wish)
        const own = figures.get(name) ?? { p50: [], p99: [], lost: 0, late: 0 }
        figures.set(name, own)
        own.p50.push(1000 * quantile(latencies, 0.5))
        own.p99.push(1000 * quantile(latencies, 0.99))
        own.lost += lost
        own.late = Math.max(own.late, late)
      }
  } finally {
    for (const { stop } of running) await stop()
    await up.stop()
  }
  const direct = figures.get('direct')
  const median = (values) => quantile(values, 0.5)
  const added = new Map()
  const title = `${wish.streams} streams × ${wish.rate} tokens/s, ${wish.seconds} s, medians of ${options.rounds} rounds, µs`
  rows(
    title,
    ['', 'p50', 'p99', 'added p50', 'added p99', 'lost', 'written late'],
    [...figures].map(([name, own]) => {
      const more = (which) => median(own[which].map((value, at) => value - direct[which][at]))
      added.set(name, { p50: more('p50'), p99: more('p99') })
      const figures = [median(own.p50), median(own.p99), more('p50'), more('p99')].map((value) => value.toFixed(0))
      return [name, ...figures, own.lost, `${(own.late * 100).toFixed(1)} %`]
    }),
  )
  // What is written late is not the fault of whoever passes it on.
  if (direct.late > 0.02) process.stdout.write('Somebody else uses this machine: these latencies say nothing.\n\n')
  const [mine, bare] = [added.get('gateway'), added.get('bare undici')]
  if (mine === undefined) return
  // Measured elsewhere: undici's dispatch added 73 µs, and 0.6 ms at the 99th percentile.
  const beside = (which) => (bare === undefined ? '' : `, bare undici ${bare[which].toFixed(0)} here`)
  bar(
    'tokens, added p50',
    `${mine.p50.toFixed(0)} µs${beside('p50')}`,
    '73 µs, or no more than bare undici',
    mine.p50 <= Math.max(73, bare?.p50 ?? 0),
  )
  bar(
    'tokens, added p99',
    `${mine.p99.toFixed(0)} µs${beside('p99')}`,
    '600 µs, or no more than bare undici',
    mine.p99 <= Math.max(600, bare?.p99 ?? 0),
  )
  bar('tokens lost', figures.get('gateway').lost, '0', figures.get('gateway').lost === 0)
}
