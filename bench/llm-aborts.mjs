// Calls given up in every phase through every way into a pool, with the official SDKs, unmodified, over real sockets: how
// long until the caller, the pool and the provider all know. One process: `node bench/llm-aborts.mjs [calls in a
// round] [rounds]`. The best round is what is left of it while nobody else uses this machine.
import { setUp } from '../scripts/setup.mjs'

setUp()
const { emulatorFor, giveUp, PHASES, poolFor, quantile } =
  await import('../packages/gateway/dist/test/integration/llm-clients-aborts.js')
const { standing, WAYS } = await import('../packages/gateway/dist/test/integration/llm-clients-rig.js')

const times = Number(process.argv[2] ?? 200)
const rounds = Number(process.argv[3] ?? 5)
const heads = ['way', 'phase', 'aborts', 'p50 ms', `p99 ms, best of ${rounds}`, 'p99 ms of all', 'slots lost']
process.stdout.write(`| ${heads.join(' | ')} |\n|${'---|'.repeat(heads.length)}\n`)
const cells = Object.keys(WAYS).flatMap((way) => PHASES.map((phase) => ({ way, phase })))
// What the official client and this machine take without any of this.
for (const phase of ['first token', 'stream', 'whole answer']) cells.unshift({ way: 'direct', phase })
for (const { way, phase } of cells) {
  const emulator = await emulatorFor(phase)
  const tries = []
  let lost = 0
  let pool = poolFor(phase)
  for (let round = 0; round < rounds; round++) {
    const took = []
    for (let time = 0; time < times; time++) {
      if (phase === 'retry') pool = poolFor(phase)
      took.push(await giveUp(way, phase, emulator, pool))
      lost += standing(pool).inflight
    }
    tries.push(took)
  }
  await emulator.close()
  const best = Math.min(...tries.map((took) => quantile(took, 0.99)))
  const figures = [quantile(tries.flat(), 0.5), best, quantile(tries.flat(), 0.99)].map((ms) => ms.toFixed(1))
  process.stdout.write(`| ${way} | ${phase} | ${times * rounds} | ${figures.join(' | ')} | ${lost} |\n`)
}
