import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { playNetwork } from './mismatch-network.ts'
import { playProvider } from './mismatch-provider.ts'
import { playSpike } from './mismatch-spike.ts'

describe('the three classic mismatches', () => {
  it("S2.9 a GPU faster than the client's network: bounded, and slowed down or set free", async () => {
    const nothing = await playNetwork('nothing')
    const slow = await playNetwork('slow')
    const disconnect = await playNetwork('disconnect')
    // Without a bound most of the answer lies about; that is the control.
    assert.ok(nothing.most > 1000, `${nothing.most}`)
    assert.ok(slow.most <= 64 && disconnect.most <= 64)
    // Slowed down, the GPU makes what is read, and what is between.
    for (const { made, read, buffered } of slow.points) assert.ok(made - read <= buffered + 2)
    assert.ok(slow.freed > 40)
    // Sent away, it is free seconds after the client has shown that it cannot.
    assert.ok(disconnect.freed < 7, `${disconnect.freed}`)
    assert.ok(slow.points.at(-1)!.read >= nothing.points.at(-1)!.read - 1)
  })

  it('S2.9 a spike of 10, 50, 100, 200 a tick against 10 done a tick: as much is done, in time, and it is over with it', () => {
    const endless = playSpike(false)
    const bounded = playSpike(true)
    for (const { ticks } of [endless, bounded])
      assert.deepEqual(
        ticks.slice(1).map(({ done }) => done),
        ticks.slice(1).map(() => 10),
      )
    assert.deepEqual([bounded.tooLate, bounded.inTime], [0, 3000])
    assert.ok(Math.max(...bounded.ticks.map(({ waiting }) => waiting)) <= 20)
    assert.ok(Math.max(...bounded.ticks.map(({ took }) => took)) <= 4)
    // The control: nearly all its work is for nobody, long after the spike.
    assert.ok(endless.inTime < 500, `${endless.inTime}`)
    assert.ok(endless.ticks.at(-1)!.took > 100)
    assert.equal(Math.max(...bounded.ticks.slice(85).map(({ refused }) => refused)), 0)
  })

  it('S2.9 an external provider answering 429: it is not asked before its time', async () => {
    const sdk = await playProvider('sdk')
    const pool = await playProvider('pool')
    assert.ok(sdk.result.refused > 1000, `${sdk.result.refused}`)
    assert.equal(pool.result.refused, 0)
    assert.ok(pool.result.utilization >= 0.99, `${pool.result.utilization}`)
  })
})
