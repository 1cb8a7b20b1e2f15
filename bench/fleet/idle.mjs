// What instances that have nothing to do cost Redis: calls a second of each, for slots and for buckets.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createClient } from 'redis'
import { figure, heading, row } from './rows.mjs'

const PROGRAM = fileURLToPath(new URL('idler.mjs', import.meta.url))
const PROCESSES = 4
const SESSIONS = 40
const TENANTS = 10_000
const WATCHED = 5000

export async function idle({ port }) {
  const admin = createClient({ RESP: 3, socket: { port, host: '127.0.0.1' } })
  await admin.on('error', () => {}).connect()
  const calls = async () => {
    await admin.configResetStat()
    await sleep(WATCHED)
    const stats = await admin.info('commandstats')
    const counts = [...stats.matchAll(/cmdstat_(?:evalsha|eval):calls=(\d+)/g)].map(([, count]) => Number(count))
    return counts.reduce((sum, count) => sum + count, 0) / (WATCHED / 1000) / SESSIONS
  }
  heading(`${SESSIONS} instances in ${PROCESSES} processes, ${TENANTS} tenants: calls a second of each and limiter`)
  const children = Array.from({ length: PROCESSES }, (_, at) =>
    fork(PROGRAM, [
      JSON.stringify({
        port,
        sessions: SESSIONS / PROCESSES,
        first: (at * SESSIONS) / PROCESSES,
        of: SESSIONS,
        tenants: TENANTS,
      }),
    ]),
  )
  const told = async (what) => {
    for (const child of children) child.send(what)
    await Promise.all(children.map((child) => once(child, 'message')))
  }
  try {
    await Promise.all(children.map((child) => once(child, 'message')))
    const show = async (what) => {
      const each = await calls()
      row('', `${what.padEnd(36)} ${figure(each)}`, '5', each <= 5)
    }
    await told('slots')
    await sleep(3000)
    await show('slots, nothing in use')
    await told('hold')
    await show('slots, one in use at each')
    await told('wait')
    await show('slots, one waits at each')
    await told('leave')
    await told('buckets')
    await sleep(2000)
    await show('buckets, all tenants known, none comes')
    await told('trickle')
    await show('buckets, a tenant a second at each')
  } finally {
    admin.destroy()
    for (const child of children) child.kill()
  }
}
