// How requests reach the server: over 2,000 connections that stay open, or over a fresh one each.
import { connect } from 'node:net'
import { once } from 'node:events'
import { Connection } from '../../packages/gateway/dist/src/load/connection.js'

function targetOf(port, lines) {
  const head = ['GET / HTTP/1.1', `host: 127.0.0.1:${port}`, ...lines]
  return { host: '127.0.0.1', port, method: 'GET', request: Buffer.from(`${head.join('\r\n')}\r\n\r\n`) }
}

/** Each request over a connection of its own, closed with the answer. */
class Fresh {
  #target
  #open = new Set()

  constructor(port) {
    this.#target = targetOf(port, ['connection: close'])
  }

  send(receiver) {
    const connection = new Connection(this.#target, this)
    this.#open.add(connection)
    connection.send(receiver)
    return connection
  }

  idle(connection) {
    connection.destroy()
  }

  gone(connection) {
    this.#open.delete(connection)
  }

  close() {
    for (const connection of this.#open) connection.destroy()
  }
}

/**
 * So many clients, each with a connection that is open before the load begins; requests come from each in turn. A
 * client that gives up closes its connection and opens another one for its next request. Where all are busy, as before
 * a server that answers nobody, there are more of them.
 */
class Kept {
  #target
  #open = new Set()
  #idle = []
  #next = 0

  constructor(port) {
    this.#target = targetOf(port, [])
  }

  /** Opens them, a few at a time: a server accepts one a turn. */
  async open(count, port) {
    while (this.#open.size < count) {
      const opened = Array.from({ length: Math.min(50, count - this.#open.size) }, () => this.#fresh())
      this.#idle.push(...opened)
      // The one after them in the backlog is accepted after them.
      const probe = connect(port, '127.0.0.1')
      probe.end('GET /healthz HTTP/1.0\r\n\r\n')
      probe.resume()
      await once(probe, 'close')
    }
  }

  send(receiver) {
    let connection
    // The one that has been idle longest: that is taking turns.
    while (this.#next < this.#idle.length) {
      connection = this.#idle[this.#next++]
      if (this.#open.has(connection)) break
      connection = undefined
    }
    if (this.#next > 4096) {
      this.#idle = this.#idle.slice(this.#next)
      this.#next = 0
    }
    connection ??= this.#fresh()
    connection.send(receiver)
    return connection
  }

  #fresh() {
    const connection = new Connection(this.#target, this)
    this.#open.add(connection)
    return connection
  }

  idle(connection) {
    this.#idle.push(connection)
  }

  gone(connection) {
    this.#open.delete(connection)
  }

  again(receiver, connection) {
    connection.successor = this.#fresh()
    connection.successor.send(receiver)
  }

  close() {
    for (const connection of this.#open) connection.destroy()
  }
}

const CLIENTS = 2000

export async function transportTo(port, connections, clients = CLIENTS) {
  if (connections === 'fresh') return new Fresh(port)
  const kept = new Kept(port)
  await kept.open(clients, port)
  return kept
}
