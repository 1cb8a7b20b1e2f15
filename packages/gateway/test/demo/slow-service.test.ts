import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { VirtualClock } from 'sluice/sim'
import { SlowService } from '../../src/demo/slow-service.ts'

class Client {
  departed = false
  served = false
  done(): void {
    this.served = true
  }
}

describe('SlowService', () => {
  it('has a knee: all it can do, and not more', () => {
    const clock = new VirtualClock()
    const service = new SlowService({ slots: 20, service: 50, clock, random: seeded(3) })
    const clients: Client[] = []
    // Twice its capacity for ten seconds.
    for (let index = 0; index < 8000; index++) {
      clients.push(new Client())
      service.take(clients[index]!)
      clock.advance(1.25)
    }
    const served = clients.filter((client) => client.served).length
    assert.ok(Math.abs(served - 4000) <= 40, `${served}`)
    assert.equal(service.busy, 20)
    assert.equal(service.queued, 8000 - served - 20)
    // First come, first served, but for those in a slot at this moment.
    assert.ok(clients.slice(0, served - 20).every((client) => client.served))
    assert.ok(clients.slice(served + 20).every((client) => !client.served))
    clock.advance(11_000)
    assert.deepEqual([service.busy, service.queued], [0, 0])
    assert.ok(clients.every((client) => client.served))
  })

  it('serves at once below the knee, in its time give or take the jitter', () => {
    const clock = new VirtualClock()
    const service = new SlowService({ slots: 2, service: 50, jitter: 0.1, clock, random: seeded(3) })
    const [first, second, third] = [new Client(), new Client(), new Client()]
    for (const client of [first, second, third]) service.take(client)
    assert.deepEqual([service.busy, service.queued], [2, 1])
    clock.advance(44.9)
    assert.deepEqual([first.served, second.served], [false, false])
    clock.advance(10.2)
    assert.deepEqual([first.served, second.served, third.served], [true, true, false])
    clock.advance(55)
    assert.equal(third.served, true)
  })

  it('does the work of departed clients, unless told to skip them', () => {
    for (const skipDeparted of [false, true]) {
      const clock = new VirtualClock()
      const service = new SlowService({ slots: 1, service: 10, jitter: 0, skipDeparted, clock })
      const clients = [new Client(), new Client(), new Client(), new Client()]
      for (const client of clients) service.take(client)
      clients[1]!.departed = true
      clients[2]!.departed = true
      clock.advance(20)
      assert.equal(clients[3]!.served, skipDeparted)
      clock.advance(20)
      assert.equal(clients[3]!.served, true)
      assert.equal(clients[1]!.served, !skipDeparted)
    }
  })

  it('loses no capacity to timers that fire late', () => {
    const virtual = new VirtualClock()
    const clock = {
      now: () => virtual.now(),
      after: (delay: number, run: () => void) => virtual.after(Math.max(0, delay) + 3, run),
    }
    const service = new SlowService({ slots: 1, service: 10, jitter: 0, clock })
    const clients = Array.from({ length: 101 }, () => new Client())
    for (const client of clients) service.take(client)
    virtual.advance(1003)
    assert.equal(clients.filter((client) => client.served).length, 100)
  })
})
