// A member that is killed, and one that stands still longer than its lease and wakes.
import { peakOf } from '../../packages/sluice/dist/test/integration/fleet-slots-rig.js'
import { figure, heading, row } from './rows.mjs'
import { instant, LEASE, LIMIT, recovery, scene, sleep, usual } from './scenes.mjs'

const BOUND = 8000
const NAMES = ['share', 'strict', 'redis-semaphore', 'bottleneck', 'naive']

/** A fifth member, which keeps what it gets for good. */
async function holder({ fleet, add }) {
  const level = usual(fleet.used(), instant())
  const member = await add({ loops: LIMIT, hold: [600_000, 0] })
  const place = fleet.workers.indexOf(member)
  const held = () => fleet.used().filter(({ worker, to }) => worker === place && to === Infinity).length
  for (const end = instant() + 10_000; held() === 0 && instant() < end;) await sleep(50)
  await sleep(500)
  return { member, place, held: held(), level }
}

export async function killed() {
  heading(`kill -9 of a member that holds some of ${LIMIT}: until nine tenths of what was usual are in use, lease 2 s`)
  for (const contender of NAMES) {
    const { took, held } = await scene(contender, undefined, async (stage) => {
      const { member, held, level } = await holder(stage)
      await member.kill()
      const from = instant()
      await sleep(BOUND)
      return { took: recovery(stage.fleet.used(), from, BOUND, level), held }
    })
    const met = ['share', 'strict'].includes(contender) ? took <= LEASE + 500 : undefined
    row(contender, `held ${held}, ${took === Infinity ? 'never' : `${figure(took)} ms`}`, `${LEASE + 500} ms`, met)
  }
}

export async function woken() {
  heading('a member stopped for 4 s, lease 2 s: its old work ends so long after it wakes, and nobody else is over')
  for (const contender of NAMES) {
    const found = await scene(contender, undefined, async (stage) => {
      const { member, place } = await holder(stage)
      const stopped = instant()
      member.child.kill('SIGSTOP')
      await sleep(4000)
      member.child.kill('SIGCONT')
      const wakes = instant()
      await sleep(1500)
      const used = stage.fleet.used()
      const old = used.filter(({ worker, from }) => worker === place && from < stopped)
      const others = used.filter((work) => work.worker !== place && work.from > stopped)
      return {
        held: old.length,
        ended: Math.max(...old.map(({ to }) => to)) - wakes,
        peak: peakOf(used.filter((work) => !old.includes(work))),
        all: peakOf(used),
        exposed: Math.max(...old.map(({ fence }) => fence)) < Math.max(...others.map(({ fence }) => fence)),
      }
    })
    const { held, ended, peak, all, exposed } = found
    const met = ['share', 'strict'].includes(contender) ? ended < 100 && peak <= LIMIT && exposed : undefined
    const end = ended === Infinity ? 'never ended' : `ended after ${figure(ended)} ms`
    row(contender, `held ${held}, ${end}; peak ${all}, of others ${peak}`, '100 ms, own slots only', met)
  }
}
