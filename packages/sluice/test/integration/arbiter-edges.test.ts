import assert from 'node:assert/strict'
import { once } from 'node:events'
import { linkSync, mkdtempSync, readdirSync, rmSync, statSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { arbiter, fleetBuckets, fleetSlots, type Arbiter, type FleetSlots } from '../../src/arbiter/index.ts'
import type { ArbiterOptions, BucketsStatement } from '../../src/arbiter/index.ts'
import { until } from './waiting.ts'

describe('an arbiter, at its edges', () => {
  let folder: string
  let opened: Arbiter[]
  let sockets: Socket[]
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-edges-'))
    opened = []
    sockets = []
  })
  afterEach(() => {
    for (const each of opened) each.close()
    for (const socket of sockets) socket.destroy()
    rmSync(folder, { recursive: true, force: true })
  })

  function open(options: ArbiterOptions = {}): Arbiter {
    const local = arbiter({ folder, ...options })
    opened.push(local)
    return local
  }

  const gateOf = (local: Arbiter, limit = 2): FleetSlots =>
    fleetSlots({ coordinator: local.slots('k'), limit, onDown: 'closed', maxWait: 5000 })

  function raw(path: string): Socket {
    const socket = connect(path)
    socket.on('error', () => {})
    sockets.push(socket)
    return socket
  }

  const host = async (...all: readonly Arbiter[]): Promise<Arbiter> => {
    const hosts = (): readonly Arbiter[] => all.filter(({ state }) => state.role === 'host')
    await until('one is the arbiter of all', () => {
      const [first, ...others] = hosts()
      return others.length === 0 && first?.state.guests === all.length - 1
    })
    return hosts()[0]!
  }

  it('S3.5 many that start at once, again and again, are one arbiter and its guests', async () => {
    let all = Array.from({ length: 12 }, () => open())
    for (let round = 0; round < 5; round++) {
      const first = await host(...all)
      first.close()
      all = all.filter((each) => each !== first)
    }
    assert.equal(readdirSync(folder).length, 2, 'nothing lies about')
  })

  it('S3.5 only this user may connect', async () => {
    await host(open())
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    const [name] = readdirSync(folder)
    assert.equal(statSync(join(folder, name!)).mode & 0o777, 0o600)
  })

  it('S3.5 a socket nobody listens to is no obstacle, and makes the next listen before it grants', async () => {
    const stale = createServer().listen(join(folder, 'stale'))
    await once(stale, 'listening')
    // As after a crash: the file stays.
    linkSync(join(folder, 'stale'), join(folder, 'default.41'))
    stale.close()
    const local = open()
    await host(local)
    assert.equal(local.state.learning, true)
    assert.deepEqual(readdirSync(folder), ['default.42', 'default.42.who'])
    const gate = gateOf(local)
    const permit = await gate.acquire()
    assert.ok(permit.waited > 150, `granted after ${permit.waited} ms`)
    gate.close()
  })

  it('S3.5 whoever leaves in order, alone, makes nobody wait', async () => {
    const first = open()
    await host(first)
    first.close()
    const next = open()
    await host(next)
    assert.equal(next.state.learning, false)
    assert.deepEqual(readdirSync(folder), ['default.2', 'default.2.who'])
  })

  it('S3.5 garbage ends whoever says it, and nobody else', async () => {
    const [one, two] = [open(), open()]
    const first = await host(one, two)
    const path = join(folder, readdirSync(folder)[0]!)
    const gate = gateOf(first === one ? two : one)
    const permit = await gate.acquire()
    const hello = '["hello",1,1,"a",0]\n'
    const nonsense = [
      'GET / HTTP/1.1\r\n\r\n',
      '[]\n',
      '["hello",99,1,"a",0]\n',
      '["hello",1,1,"../a",0]\n',
      `${hello}["slots",1,"k",{"session":"x"}]\n`,
      `${hello}["slots",1,"k",{"session":"x","life":1e999}]\n`,
      `${hello}["buckets",1,{"name":"x","buckets":null},"t","s",{}]\n`,
      `${hello}["close",7]\n`,
      `${hello}{"a":1}\n`,
      `${hello}${'['.repeat(50_000)}\n`,
      `${hello}${'x'.repeat(300_000)}`,
    ]
    for (const text of nonsense) {
      const socket = raw(path)
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.resume().write(text)
      await closed
    }
    await until('they are gone', () => first.state.guests === 1)
    assert.equal(gate.state.up, true)
    const again = await gate.acquire()
    for (const each of [permit, again]) each.release('success')
    gate.close()
  })

  it('S3.5 takes as many processes as it is told, and the others when there is room', async () => {
    const [one, two] = [open({ maxProcesses: 2 }), open({ maxProcesses: 2 })]
    const first = await host(one, two)
    const third = open({ maxProcesses: 2 })
    await until('it is turned away', () => third.state.trouble !== undefined)
    const guest = first === one ? two : one
    assert.equal(guest.state.role, 'guest')
    guest.close()
    await until('there is room', () => third.state.role === 'guest' && third.state.trouble === undefined)
  })

  it('S3.5 an arbiter whose socket was removed steps down', async () => {
    const first = open()
    await host(first)
    unlinkSync(join(folder, 'default.1'))
    const other = open()
    await until('there are two for a moment', () => other.state.role === 'host')
    await until('there is one again', () => first.state.guests + other.state.guests === 1, 3000)
    await host(first, other)
  })

  it('S3.5 what is held is claimed of the next arbiter at once, however long the lease', async () => {
    const lease = 60_000
    const [one, two, three] = [open({ lease }), open({ lease }), open({ lease })]
    const first = await host(one, two, three)
    const [holder, rival] = [one, two, three].filter((each) => each !== first)
    const gate = gateOf(holder!)
    const permits = [await gate.acquire(), await gate.acquire()]
    first.close()
    const next = await host(holder!, rival!)
    const other = gateOf(rival!)
    let got = false
    const waiting = other.acquire().then((permit) => {
      got = true
      return permit
    })
    await until('it grants again', () => !next.state.learning && other.state.fleet.queued === 1)
    assert.deepEqual([got, gate.state.held, gate.state.lapses], [false, 2, 0])
    permits[0]!.release('success')
    ;(await waiting).release('success')
    permits[1]!.release('success')
    for (const each of [gate, other]) each.close()
  })

  it('S3.5 buckets are shared, and known to be empty after their arbiter has gone', async () => {
    const [one, two] = [open(), open()]
    const first = await host(one, two)
    const other = first === one ? two : one
    const parts = { buckets: { tokens: { tokens: 1, capacity: 10 } }, onDown: 'closed', lease: 0, name: 'b' } as const
    const [near, far] = [first, other].map((local) => fleetBuckets({ ...parts, coordinator: local.buckets }))
    await near!.take({ tokens: 6 })
    await far!.take({ tokens: 4 })
    assert.ok(far!.status().tokens.available < 1)
    await near!.close()
    first.close()
    await host(other)
    const third = open()
    await host(other, third)
    const fresh = fleetBuckets({ ...parts, coordinator: third.buckets })
    await assert.rejects(fresh.take({ tokens: 5 }, { maxWait: 100 }), 'a newcomer finds no full bucket')
    await far!.close()
    await fresh.close()
  })

  it('S3.5 whose turn it is hears just that, at the arbiter and elsewhere: what it has at hand stays good', async () => {
    const [one, two] = [open(), open()]
    const first = await host(one, two)
    const other = first === one ? two : one
    const refill = { name: 'tokens', interval: 1000, capacity: 10 }
    const budget = { name: 'turns', buckets: [refill] }
    const rest = { known: false, pace: { stamp: 0, refills: [refill] }, reserve: 0, critical: false, hold: 0 }
    const demand = { priority: 2, line: 'x', charge: 0, age: 0, waits: true, told: [], abreast: 0 }
    // Nothing else keeps this process alive while an answer is on its way.
    const alive = setInterval(() => {}, 1000)
    try {
      for (const [waits, takes] of [
        [other, first],
        [first, other],
      ] as const) {
        const { role } = waits.state
        const heard: (boolean | undefined)[] = []
        const far = waits.buckets.open(budget, role, `${role}far`, (isTurn) => heard.push(isTurn))
        const near = takes.buckets.open(budget, role, `${role}near`)
        const up = (to: number): Omit<BucketsStatement, 'turn' | 'demand'> => ({
          claim: [0],
          keep: [0],
          need: [to],
          want: [to],
          ...rest,
        })
        assert.equal((await near.state({ turn: 1, ...up(10) })).granted, true)
        assert.equal((await far.state({ turn: 1, ...up(5), demand })).granted, false)
        await near.state({ turn: 2, ...up(0) })
        await until('it is called', () => heard.length > 0)
        assert.deepEqual(heard, [true], role)
      }
    } finally {
      clearInterval(alive)
    }
  })

  it('S3.5 worker threads share as processes do', async () => {
    const local = open()
    const gate = gateOf(local)
    const held = await gate.acquire()
    await gate.acquire()
    const program = `
      const { parentPort, workerData } = require('node:worker_threads')
      import(workerData.door).then(async ({ arbiter, fleetSlots }) => {
        const local = arbiter({ folder: workerData.folder })
        const gate = fleetSlots({ coordinator: local.slots('k'), limit: 2, onDown: 'closed' })
        parentPort.postMessage('waits')
        const permit = await gate.acquire({ maxWait: 5000 })
        parentPort.postMessage(permit.fence)
        setInterval(() => {}, 1000)
      })`
    const door = new URL('../../src/arbiter/index.js', import.meta.url).href
    const thread = new Worker(program, { eval: true, workerData: { door, folder } })
    try {
      const said: unknown[] = []
      thread.on('message', (message) => said.push(message))
      await until('it waits', () => local.state.guests === 1 && gate.state.fleet.queued + said.length > 0)
      assert.deepEqual(said, ['waits'])
      held.release('success')
      await until('it has got the slot', () => said.length === 2)
    } finally {
      await thread.terminate()
    }
    // A thread that ends gives its slots back as a process does.
    const permit = await gate.acquire()
    permit.release('success')
    gate.close()
  })
})
