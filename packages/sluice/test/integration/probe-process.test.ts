import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { totalmem } from 'node:os'
import { cpuUsage } from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, it } from 'node:test'
import type { Probe } from '../../src/probe/index.ts'
import { cpu, eventLoopDelay, eventLoopUtilization, heap, memory, processPressure } from '../../src/probe/index.ts'

/** Keeps the event loop for itself. */
function block(duration: number): void {
  const end = performance.now() + duration
  while (performance.now() < end);
}

/** Waits until the level is as wanted; says after how many ms, or fails after `bound`. */
async function until(probe: Probe, wanted: (level: number) => boolean, bound: number): Promise<number> {
  const start = performance.now()
  while (!wanted(probe.value.level)) {
    assert.ok(performance.now() - start < bound, `${probe.name} is ${probe.value.level} after ${bound} ms`)
    await pause(5)
  }
  return performance.now() - start
}

describe('sluice/probe in a real process', () => {
  it('S1.5 sees the event loop blocked for 200 ms, at once, and forgets it within its window', async () => {
    using probe = eventLoopDelay({ window: 500 })
    await until(probe, () => true, 1)
    // The control: a loop that is not blocked, once the start of the tests is behind it.
    await until(probe, (level) => level < 0.5, 10_000)
    block(200)
    await until(probe, (level) => level > 1, 400)
    const forgotten = await until(probe, (level) => level < 0.5, 10_000)
    assert.ok(forgotten > 100, `forgotten after ${forgotten} ms`)
  })

  it('S1.5 sees processor time being burnt, and the loop in use', async () => {
    using processor = cpu({ cores: 1, window: 400 })
    using loop = eventLoopUtilization({ window: 400 })
    await until(processor, (level) => level < 0.5, 10_000)
    await until(loop, (level) => level < 0.5, 10_000)
    // Blocks of 90 ms with a turn of the loop between them; other processes may have the processor meanwhile.
    const before = cpuUsage()
    const start = performance.now()
    for (let turn = 0; turn < 10; turn++) {
      block(90)
      await pause(0)
    }
    const { user, system } = cpuUsage(before)
    const burnt = (user + system) / 1000 / (performance.now() - start)
    const { level } = processor.value
    assert.ok(level > 0.6 * burnt && level < 1.6 * burnt + 0.1, `${level} where ${burnt} was burnt`)
    assert.ok(loop.value.level > 0.8, `loop ${loop.value.level}`)
    await until(processor, (level) => level < 0.5, 10_000)
    await until(loop, (level) => level < 0.5, 10_000)
  })

  it('S1.5 reads heap and memory within what is possible', () => {
    using heapUse = heap()
    using resident = memory()
    for (const probe of [heapUse, resident])
      assert.ok(probe.value.level > 0 && probe.value.level < 1, `${probe.name} ${probe.value.level}`)
    using half = memory({ limit: process.memoryUsage.rss() * 2 })
    assert.ok(Math.abs(half.value.level - 0.5) < 0.2, String(half.value.level))
    using none = memory({ limit: totalmem() * 1000 })
    assert.ok(none.value.level < 0.01)
  })

  it('keeps no process alive', () => {
    const door = new URL('../../src/probe/index.js', import.meta.url).href
    const script = `import { processPressure } from ${JSON.stringify(door)}; console.log(processPressure().value.cause)`
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 10_000,
    })
    assert.equal(child.status, 0, `${child.signal ?? ''} ${child.stderr}`)
    assert.match(child.stdout, /^(heap|memory)\n$/)
  })

  it('names the cause of the pressure of a whole process', async () => {
    using pressure = processPressure({ eventLoopDelay: { window: 500 } })
    await until(pressure, (level) => level < 0.5, 10_000)
    block(300)
    await until(pressure, (level) => level > 1, 400)
    assert.equal(pressure.value.cause, 'event-loop-delay')
    await until(pressure, (level) => level < 0.7, 10_000)
  })
})
