import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { app, ask, gatewayOf } from './config-rig.ts'
import { scene, until, type Scene } from './proxy-rig.ts'
import { noRedis, RedisProcess } from './redis-process.ts'
import { launchRun, type Sluice } from './run-child.ts'

const LIMIT = 4
const TAKES = 20
const LEASE = 500
const LISTEN = 'listen: { host: 127.0.0.1, port: 0, adminPort: 0 }\n'
const LANES = `lanes:
  rules:
    - { lane: critical, path: /admin/* }
    - { lane: high, path: /high }
    - { lane: low, path: /low }
`

type Wish = 'high' | 'normal' | 'low'

/** An upstream that counts whom it serves, and at most how many at once. */
class Service {
  readonly served: Record<Wish, number> = { high: 0, normal: 0, low: 0 }
  most = 0
  #busy = 0

  async listen(stage: Scene): Promise<number> {
    return await stage.upstream((req, res) => {
      const wish = req.url!.slice(1) as Wish
      if (!(wish in this.served)) return res.end('admin')
      this.most = Math.max(this.most, ++this.#busy)
      this.served[wish]++
      let over = false
      const ends = (): void => {
        if (!over) this.#busy--
        over = true
      }
      res.on('close', ends)
      setTimeout(() => {
        ends()
        res.end('done')
      }, TAKES)
      return res
    })
  }

  get #all(): number {
    return this.served.high + this.served.normal + this.served.low
  }

  /** The parts of the next so many that it serves, in percent. */
  async next(count: number): Promise<Record<Wish, number>> {
    const before = { ...this.served }
    const last = this.#all + count
    await until(`${count} to be served`, () => this.#all >= last, 15_000)
    const part = (wish: Wish): number => (100 * (this.served[wish] - before[wish])) / (this.#all - last + count)
    return { high: part('high'), normal: part('normal'), low: part('low') }
  }
}

/** Clients that ask again as soon as they are answered, while they are wanted. */
class Crowd {
  readonly #wanted = new Set<string>()
  readonly #loops: Promise<void>[] = []

  come(port: number, wish: Wish, people = 12): void {
    this.#wanted.add(wish)
    for (let at = 0; at < people; at++) this.#loops.push(this.#loop(port, wish))
  }

  go(wish: Wish): void {
    this.#wanted.delete(wish)
  }

  async end(): Promise<void> {
    this.#wanted.clear()
    await Promise.all(this.#loops)
  }

  async #loop(port: number, wish: Wish): Promise<void> {
    while (this.#wanted.has(wish)) {
      const answer = await ask(port, { path: `/${wish}` }).catch(() => undefined)
      // Of one that was killed nobody is answered any more.
      if (answer === undefined) return
      if (answer.status !== 200) await sleep(20)
    }
  }
}

async function runOf(stage: Scene, text: string, ...flags: string[]): Promise<Sluice> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-lanes-'))
  stage.onEnd(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'sluice.yaml')
  writeFileSync(file, LISTEN + text)
  const run = await launchRun(file, ...flags)
  stage.onEnd(() => run.stop())
  return run
}

/** Of the next so many each lane has its part. A machine that is busy with something else is asked again. */
async function has(service: Service, count: number, due: Partial<Record<Wish, number>>): Promise<void> {
  const seen: string[] = []
  while (seen.length < 5) {
    const parts = await service.next(count)
    seen.push(
      Object.entries(parts)
        .map(([wish, part]) => `${wish} ${part.toFixed(1)} %`)
        .join(', '),
    )
    if (Object.entries(due).every(([wish, part]) => Math.abs(parts[wish as Wish] - part) <= 3 + part / 8)) return
  }
  assert.fail(`${seen.join('; ')}: not ${JSON.stringify(due)}`)
}

describe('gateways with one limit and lanes', { timeout: 60_000, concurrency: true }, () => {
  it(
    'S3.6 S3.5 shares hold over all of them, are lent and taken back, and one that dies gives back',
    { skip: noRedis },
    async () => {
      await scene(async (stage) => {
        const redis = await RedisProcess.start()
        stage.onEnd(() => redis.stop())
        const service = new Service()
        const text = `${app(await service.listen(stage))}${LANES}redis: { url: "${redis.url}", lease: ${LEASE}ms }
limits: { default: { kind: fixed, limit: ${LIMIT}, scope: fleet, onDown: closed, queue: { capacity: 100, maxWait: 5s } } }`
        const far = await runOf(stage, text)
        const here = await gatewayOf(stage, text)
        const crowd = new Crowd()
        stage.onEnd(() => crowd.end())
        crowd.come(here.port, 'low')
        crowd.come(far.port, 'normal')
        crowd.come(far.port, 'high')
        await until('the two to know each other', () => here.snapshot().fleet[0]?.sessions === 2)
        await until('all lanes to be served', () => Object.values(service.served).every((count) => count > 3))
        // High has what is kept for critical besides.
        await has(service, 100, { high: 50, normal: 40, low: 10 })
        const [view] = here.snapshot().fleet
        assert.deepEqual(
          view?.lanes.map(({ lane, share }) => [lane, share]),
          [
            ['high', 40],
            ['normal', 40],
            ['low', 10],
          ],
        )
        assert.ok(
          view.lanes.every(({ waiting }) => waiting > 3),
          JSON.stringify(view.lanes),
        )
        const metrics = (await ask(here.adminPort, { path: '/metrics' })).body
        assert.match(metrics, /\nbackpressure_fleet_lane_share\{limit="default",lane="low"\} 0\.1\n/)
        assert.match(metrics, /\nbackpressure_fleet_lane_waiters\{limit="default",lane="high"\} \d+\n/)
        // Whoever is critical meets no limit.
        for (const { port } of [far, here]) {
          assert.equal((await ask(port, { path: '/admin/x' })).status, 200)
        }
        const counted = (await ask(here.adminPort, { path: '/metrics' })).body
        assert.match(counted, /\nbackpressure_lane_admitted_total\{lane="critical"\} 1\n/)
        const low = Number(/\nbackpressure_lane_admitted_total\{lane="low"\} (\d+)\n/.exec(counted)?.[1])
        assert.ok(Math.abs(low - service.served.low) <= 8, `${low} counted, ${service.served.low} served`)
        crowd.go('high')
        crowd.go('normal')
        await has(service, 30, { low: 100 })
        crowd.come(far.port, 'high')
        await has(service, 60, { low: 10, high: 90 })
        const since = performance.now()
        far.kill('SIGKILL')
        await far.ended
        await until('all slots to be back', () => here.snapshot().fleet[0]?.held === LIMIT, LEASE + 5000)
        assert.ok(performance.now() - since < LEASE + 1000, `${performance.now() - since} ms`)
        await has(service, 30, { low: 100 })
        assert.ok(service.most <= LIMIT, `${service.most} of ${LIMIT}`)
        await crowd.end()
      })
    },
  )

  it('S3.6 workers on one machine hold them over all of them as well', async () => {
    await scene(async (stage) => {
      const service = new Service()
      const port = await service.listen(stage)
      const text = `${app(port)}${LANES}limits: { default: { kind: fixed, limit: ${LIMIT}, queue: { capacity: 100, maxWait: 5s } } }`
      const run = await runOf(stage, text, '--workers', '2')
      const crowd = new Crowd()
      stage.onEnd(() => crowd.end())
      for (const wish of ['high', 'normal', 'low'] as const) crowd.come(run.port, wish)
      await until('all lanes to be served', () => Object.values(service.served).every((count) => count > 3))
      await has(service, 100, { high: 50, normal: 40, low: 10 })
      assert.ok(service.most <= LIMIT, `${service.most} of ${LIMIT}`)
      await crowd.end()
    })
  })
})
