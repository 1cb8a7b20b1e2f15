// The true peak over a limit of 16 under each fault: four members with 16 loops each; one piece of work of ten takes 3 s.
import { meanOf, peakOf } from '../../packages/sluice/dist/test/integration/fleet-slots-rig.js'
import { heading, row } from './rows.mjs'
import { instant, LEASE, LIMIT, scene, sleep, usual } from './scenes.mjs'

const faults = {
  'Redis killed, data lost': async ({ server }) => {
    await server.kill()
    await server.start()
  },
  'Redis stopped for 5 s': async ({ server }) => {
    server.signal('SIGSTOP')
    await sleep(5000)
    server.signal('SIGCONT')
  },
  'partitions of two members': async ({ roads }) => {
    for (const road of roads.slice(0, 2)) {
      road.close()
      await sleep(3000)
      road.open()
    }
  },
  'SCRIPT FLUSH': ({ admin }) => admin.scriptFlush(),
  FLUSHALL: ({ admin }) => admin.flushAll(),
  'restart with old data': async ({ server, admin }) => {
    await admin.sendCommand(['SAVE'])
    await sleep(1500)
    await server.kill()
    await server.start()
  },
  'clocks of two 10 s wrong': () => sleep(2000),
}

export async function peaks() {
  heading(`true peak in use of a limit of ${LIMIT}, and how much of what was usual is in use from a lease and 0.5 s on`)
  for (const [name, fault] of Object.entries(faults)) {
    const skewed = name.startsWith('clocks')
    process.stdout.write(`  ${name}\n`)
    for (const contender of ['share', 'strict', 'redis-semaphore', 'bottleneck', 'naive']) {
      const orders = (place) => ({ long: 3000, ...(skewed ? { skew: [10_000, -10_000, 0, 0][place] } : {}) })
      const { peak, part } = await scene(contender, orders, async (stage) => {
        const level = usual(stage.fleet.used(), instant())
        await fault(stage)
        const from = instant() + LEASE + 500
        await sleep(LEASE + 3500)
        const used = stage.fleet.used()
        return { peak: peakOf(used), part: meanOf(used, from, from + 3000) / level }
      })
      const met = ['share', 'strict'].includes(contender) ? peak <= LIMIT : undefined
      row(`  ${contender}`, `peak ${peak}, then ${Math.round(part * 100)} % in use`, '0 over', met)
    }
  }
}
