// The race for a kept connection: the upstream closes one that is idle just when the next request goes out on it.
import { client, get, now, spin, upstream } from './lab.mjs'

/** After an answer the upstream closes so late, and the next request goes out around that time, in ms. */
const CLOSES = 3
const [EARLIEST, LATEST] = [-0.6, 0.3]
const CLIENTS = 4

/** So many GETs, four at a time. @returns how many were not answered with 200 */
async function gets(port, count) {
  let [begun, errors] = [0, 0]
  const runs = Array.from({ length: CLIENTS }, async () => {
    let socket = await client(port)
    while (begun < count) {
      begun++
      let text = ''
      let gone = socket.destroyed
      const hears = (bytes) => (text += bytes.toString('latin1'))
      const goes = () => (gone = true)
      socket.on('data', hears).once('close', goes)
      get(socket, '/')
      await spin(() => gone || text.includes('\r\n\r\nok'), 3000)
      if (!text.startsWith('HTTP/1.1 200 ') || !text.includes('\r\n\r\nok')) errors++
      socket.off('data', hears).off('close', goes)
      if (gone || !text.includes('\r\n\r\nok')) {
        socket.destroy()
        socket = await client(port)
      }
      const again = now() + CLOSES + EARLIEST + Math.random() * (LATEST - EARLIEST)
      await spin(() => now() >= again)
    }
    socket.destroy()
  })
  await Promise.all(runs)
  return errors
}

export async function race({ contenders, options, rows, bar }) {
  let reused = 0
  const seen = new WeakSet()
  const idle = new Map()
  const up = await upstream(({ socket }) => {
    if (seen.has(socket)) reused++
    seen.add(socket)
    idle.delete(socket)
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    idle.set(socket, now() + CLOSES)
  })
  // On time, which a timer is not.
  let isOver = false
  const closing = spin(() => {
    for (const [socket, until] of idle)
      if (now() >= until) {
        idle.delete(socket)
        socket.destroy()
      }
    return isOver
  }, Infinity)
  const running = await contenders(up)
  const table = []
  let mine
  try {
    for (const { name, port } of running) {
      if (name === 'direct') continue
      reused = 0
      const errors = await gets(port, options.gets)
      if (name === 'gateway') mine = errors
      table.push([name, errors, reused])
    }
  } finally {
    isOver = true
    await closing
    for (const { stop } of running) await stop()
    await up.stop()
  }
  rows(
    `${options.gets} GETs, each when the upstream is about to close the connection`,
    ['', 'errors', 'on a kept connection'],
    table,
  )
  // What died before any byte of an answer, on a connection used before, is asked once more.
  if (mine !== undefined) bar('keep-alive race', `${mine} errors`, '0', mine === 0)
}
