/** The BullMQ door against the real package. Compiled, not run. */
import { Worker, type Job } from 'bullmq'
import { bullmqConsumer } from '../../src/consumers/bullmq.ts'

export async function withBullmq(): Promise<void> {
  const mails = bullmqConsumer(async (job: Job<{ to: string }, number>) => job.data.to.length, {
    arrivalOf: (job) => ({ flow: job.data.to, priority: job.opts.priority === 1 ? 3 : 2 }),
  })
  const worker = new Worker<{ to: string }, number>('mails', mails.process, { connection: { port: 6379 } })
  mails.attach(worker)
  await mails.drain()
}
