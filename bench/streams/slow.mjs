// A client that reads slowly: what lies in the proxy and in the kernel meanwhile, and when the upstream hears that it left.
import { readFileSync } from 'node:fs'
import { client, get, now, spin, upstream } from './lab.mjs'

const MEGA = 1_000_000

/** Resident memory of a process, in MB. */
function memory(pid) {
  return (Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]) * 1024) / MEGA
}

/** A download of so many bytes, read at so many MB a second for so many seconds; then the client leaves. */
async function download({ port, pid }, visits, { bytes, pace, lasts }) {
  visits.length = 0
  const before = pid === undefined ? 0 : memory(pid)
  const socket = await client(port)
  let read = 0
  socket.pause()
  get(socket, `/large/${bytes}`)
  const since = now()
  let [most, flight] = [before, 0]
  let looked = since
  await spin(
    () => {
      const due = ((now() - since) / 1000) * pace * MEGA - read
      if (due >= 10_000) read += socket.read(Math.min(Math.floor(due), socket.readableLength))?.length ?? 0
      // Asks for more where nothing lies ready.
      if (socket.readableLength === 0) socket.read(0)
      if (now() - looked > 100) {
        looked = now()
        if (pid !== undefined) most = Math.max(most, memory(pid))
        // What the upstream itself keeps is not under way.
        const [visit] = visits
        if (visit !== undefined) flight = Math.max(flight, visit.written - visit.socket.writableLength - read)
      }
      return read >= bytes || now() - since > lasts * 1000
    },
    lasts * 1000 + 5000,
  )
  const left = now()
  socket.destroy()
  const [visit] = visits
  const heard = visit !== undefined && (await spin(() => visit.closedAt !== undefined, 10_000))
  visit?.socket.destroy()
  return {
    growth: most - before,
    flight: flight / MEGA,
    read: read / MEGA,
    heard: heard ? visit.closedAt - left : Infinity,
  }
}

export async function slow({ contenders, options, rows, bar }) {
  const visits = []
  const up = await upstream((visit) => {
    visits.push(visit)
    void visit.body(Number(visit.target.split('/')[2]))
  })
  const running = await contenders(up)
  const figures = new Map()
  const wish = { bytes: options.megabytes * MEGA, pace: options.pace, lasts: options.lasts }
  try {
    // One before that counts: what is loaded and compiled with the first request is no growth.
    for (const contender of running) await download(contender, visits, { ...wish, bytes: 5 * MEGA, pace: 50, lasts: 2 })
    for (const contender of running) figures.set(contender.name, await download(contender, visits, wish))
  } finally {
    for (const { stop } of running) await stop()
    await up.stop()
  }
  rows(
    `${options.megabytes} MB at ${options.pace} MB/s, watched for ${options.lasts} s`,
    ['', 'memory grows by', 'under way at most', 'read', 'departure heard after'],
    [...figures].map(([name, { growth, flight, read, heard }]) => [
      name,
      name === 'direct' ? '–' : `${growth.toFixed(1)} MB`,
      `${flight.toFixed(1)} MB`,
      `${read.toFixed(0)} MB`,
      heard === Infinity ? 'not within 10 s' : `${heard.toFixed(1)} ms`,
    ]),
  )
  const mine = figures.get('gateway')
  if (mine === undefined) return
  // Measured elsewhere: whoever heeds write() === false has 8 to 11 MB under way and grows by 10 to 20 MB.
  bar('slow client, memory grows by', `${mine.growth.toFixed(1)} MB`, 'at most 20 MB', mine.growth <= 20)
  bar('slow client, under way', `${mine.flight.toFixed(1)} MB`, 'at most 11 MB', mine.flight <= 11)
  bar('slow client, departure heard after', `${mine.heard.toFixed(1)} ms`, 'at most 10 ms', mine.heard <= 10)
}
