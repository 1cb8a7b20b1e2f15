// Keep-alive connections that send bytes made in advance: next to nothing is spent on this side.
import { connect } from 'node:net'

/** One connection; calls follow one another. */
export class Wire {
  #socket
  #isTcp
  #text = ''
  #needed
  #told
  #sent
  #first

  /** @param where a port, or the path of a socket */
  constructor(where) {
    const target = typeof where === 'string' ? { path: where } : { port: where, host: '127.0.0.1', noDelay: true }
    this.#isTcp = typeof where === 'number'
    this.#socket = connect(target)
    this.ready = new Promise((resolve) => this.#socket.once('connect', resolve).once('close', resolve))
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => this.#fail(new Error('closed')))
    this.#socket.on('data', (chunk) => this.#read(chunk.toString('latin1')))
  }

  /** Settles with the times to the first byte of the body and to the end, in ms. */
  call(bytes) {
    this.#text = ''
    this.#needed = this.#first = undefined
    this.#sent = performance.now()
    return new Promise((resolve, reject) => {
      this.#told = { resolve, reject }
      this.#socket.write(bytes)
    })
  }

  /** Leaves without a word more. */
  leave() {
    this.#told = undefined
    if (this.#isTcp) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  pause() {
    this.#socket.pause()
  }

  #fail(error) {
    this.#told?.reject(error)
    this.#told = undefined
  }

  #read(part) {
    if (this.#told === undefined) return
    this.#text += part
    if (this.#needed === undefined) {
      const head = this.#text.indexOf('\r\n\r\n')
      if (head === -1) return
      const length = /\r\ncontent-length: (\d+)/i.exec(this.#text.slice(0, head + 2))
      this.#needed = length === null ? 0 : head + 4 + Number(length[1])
      this.status = Number(this.#text.slice(9, 12))
      this.headEnd = head + 4
    }
    if (this.#first === undefined && this.#text.length > this.headEnd) this.#first = performance.now() - this.#sent
    const isWhole = this.#needed > 0 ? this.#text.length >= this.#needed : this.#text.endsWith('0\r\n\r\n')
    if (!isWhole) return
    const { resolve } = this.#told
    this.#told = undefined
    resolve({ first: this.#first, end: performance.now() - this.#sent, status: this.status })
  }
}

/** A call of a model, as bytes. */
export function bytesOf({ stream = false, headers = {}, prompt = 'hello there' } = {}) {
  const body = JSON.stringify({ model: 'm', max_tokens: 100, stream, messages: [{ role: 'user', content: prompt }] })
  const all = { host: 'bench', 'content-type': 'application/json', 'content-length': body.length, ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
}

export function quantile(values, q) {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
}

/** So many calls a second for so long, whether answered or not. @returns the times of those that were */
export async function openLoop(port, bytes, { rate, ms }) {
  const idle = []
  const times = []
  const under = new Set()
  let failed = 0
  const begun = performance.now()
  const one = async () => {
    const wire = idle.pop() ?? new Wire(port)
    try {
      const { end, status } = await wire.call(bytes)
      if (status === 200) times.push(end)
      else failed++
      idle.push(wire)
    } catch {
      failed++
    }
  }
  for (let sent = 0; ;) {
    const now = performance.now() - begun
    if (now > ms) break
    for (const due = (now * rate) / 1000; sent < due; sent++) {
      const call = one().finally(() => under.delete(call))
      under.add(call)
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(under)
  for (const wire of idle) wire.leave()
  return { times, failed }
}

/** As many calls one after the other as so many connections can make. */
export async function closedLoop(port, bytes, { connections, ms }) {
  const end = performance.now() + ms
  const results = []
  let failed = 0
  const run = async () => {
    let wire = new Wire(port)
    while (performance.now() < end) {
      try {
        const result = await wire.call(bytes)
        if (result.status === 200) results.push(result)
        else failed++
      } catch {
        failed++
        wire = new Wire(port)
      }
    }
    wire.leave()
  }
  await Promise.all(Array.from({ length: connections }, run))
  return { results, failed, rate: (results.length * 1000) / ms }
}
