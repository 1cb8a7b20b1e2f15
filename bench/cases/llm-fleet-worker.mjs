// One process of the fleet's benchmark. It is told by messages which jobs to begin and to end: each is so many callers, who
// always want one more call, of one provider, in one way.
import { setTimeout as sleep } from 'node:timers/promises'
import { callOf } from './llm-fleet-profiles.mjs'
import { WAYS } from './llm-fleet-ways.mjs'

// Whoever started it may be gone.
process.once('disconnect', () => process.exit(0))
// Bottleneck's connection fails calls that nobody waits for when it is closed.
process.on('unhandledRejection', () => {})
const jobs = new Map()

async function begin(job) {
  const running = { on: true, done: 0, failed: 0, ...(await WAYS[job.strategy](job)) }
  jobs.set(job.id, running)
  const caller = async (at) => {
    await sleep(200 * Math.random())
    // Some large calls at first use up what a whole minute allows, so that the limit is met within seconds.
    let large = at < job.largeCallers ? job.large : 0
    while (running.on) {
      try {
        await running.call(callOf(large-- > 0 ? job.size : 1))
        running.done++
      } catch (error) {
        running.failed++
        running.error = String(error)
        if (running.on) await sleep(20)
      }
    }
  }
  for (let at = 0; at < job.callers; at++) void caller(at)
}

async function obey({ order, job }) {
  if (order === 'begin') await begin(job)
  const running = jobs.get(job.id)
  if (order === 'end' && running !== undefined) {
    running.on = false
    jobs.delete(job.id)
    await running.close()
  }
  const { done = 0, failed = 0, error } = running ?? {}
  process.send({ order, id: job.id, done, failed, error, status: order === 'look' ? running?.status?.() : undefined })
}
process.on('message', (message) => void obey(message))
process.send({ order: 'ready' })
