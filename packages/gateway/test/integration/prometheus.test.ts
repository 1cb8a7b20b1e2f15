import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { stringify } from 'yaml'
import { ALERTS, alerts } from '../../src/export/alerts.ts'
import { CHARTS, grafana } from '../../src/export/grafana.ts'
import { startEmulator, type Emulator } from '../../src/emulate/index.ts'
import { wish } from './emulate-rig.ts'
import { HELLO, openaiOf } from './llm-gateway-rig.ts'
import { noRedis, RedisProcess } from './redis-process.ts'
import { launchRun, startRun, type Sluice } from './run-child.ts'
import { freePort } from './free-port.ts'

const there = spawnSync('prometheus', ['--version']).status === 0
const options = there ? { timeout: 60_000 } : { skip: 'prometheus is not installed: apt-get install prometheus' }

interface Answer {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] }
}

describe('a real Prometheus that scrapes a gateway', options, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-prometheus-'))
  let upstream: Server
  let gateway: Sluice
  let emulator: Emulator
  let models: Sluice
  let redis: RedisProcess | undefined
  let fleet: Sluice | undefined
  let prometheus: ChildProcess
  let base = ''
  let log = ''
  const loading = new AbortController()

  before(async () => {
    if (!there) return
    upstream = createServer((_request, response) => setTimeout(() => response.end('ok'), 40)).listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    const { port } = upstream.address() as AddressInfo
    gateway = await startRun(port, '--max-concurrent', '4', '--queue', '4', '--wait-timeout', '60ms')
    emulator = await startEmulator({ limits: { tokens: 1e6 }, output: 5, engine: { ttft: 20, tokensPerSecond: 200 } })
    models = await launchRun(modelsFile(emulator.port))
    if (noRedis === false) {
      redis = await RedisProcess.start()
      fleet = await launchRun(fleetFile(port, redis.url))
    }
    const own = await freePort()
    const file = join(folder, 'prometheus.yml')
    writeFileSync(join(folder, 'alerts.yml'), alerts())
    writeFileSync(
      file,
      stringify({
        global: { scrape_interval: '500ms', evaluation_interval: '1s' },
        rule_files: ['alerts.yml'],
        scrape_configs: [
          { job_name: 'sluice', static_configs: [{ targets: [`127.0.0.1:${gateway.adminPort}`] }] },
          { job_name: 'models', static_configs: [{ targets: [`127.0.0.1:${models.adminPort}`] }] },
          {
            job_name: 'fleet',
            static_configs: [{ targets: fleet === undefined ? [] : [`127.0.0.1:${fleet.adminPort}`] }],
          },
        ],
      }),
    )
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${own}`,
        '--log.level=warn',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    prometheus.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text))
    base = `http://127.0.0.1:${own}`
    void load(gateway.port)
    void talk(models.port)
    if (fleet !== undefined) void load(fleet.port)
  })

  after(async () => {
    loading.abort()
    if (!there) return
    await gateway.stop()
    await models.stop()
    await fleet?.stop()
    await redis?.stop()
    await emulator.close()
    const gone = once(prometheus, 'exit')
    prometheus.kill('SIGTERM')
    await gone
    upstream.close()
    upstream.closeAllConnections()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Twelve clients where four are served and four may wait: some are refused, some wait in vain. */
  async function load(port: number): Promise<void> {
    const client = async (): Promise<void> => {
      while (!loading.signal.aborted)
        await fetch(`http://127.0.0.1:${port}/`)
          .then((response) => response.text())
          .catch(() => undefined)
    }
    await Promise.all(Array.from({ length: 12 }, client))
  }

  /** Before a provider with limits. */
  function modelsFile(port: number): string {
    const file = join(folder, 'models.yaml')
    const section = '{ dialect: openai, limits: [{ model: m, tpm: 1000000 }] }'
    writeFileSync(
      file,
      `listen: { host: 127.0.0.1, port: 0, adminPort: 0 }
upstreams: { models: { servers: [{ url: 'http://127.0.0.1:${port}' }], hostHeader: upstream } }
llm: ${section}
`,
    )
    return file
  }

  /** With lanes of all instances. */
  function fleetFile(port: number, url: string): string {
    const file = join(folder, 'fleet.yaml')
    writeFileSync(
      file,
      `listen: { host: 127.0.0.1, port: 0, adminPort: 0 }
redis: { url: '${url}' }
upstreams: { app: { servers: [{ url: 'http://127.0.0.1:${port}' }] } }
limits: { default: { kind: fixed, limit: 4, queue: { capacity: 4 }, scope: fleet, onDown: share } }
lanes: {}
`,
    )
    return file
  }

  /** A refusal of the model, and then one stream after the other. */
  async function talk(port: number): Promise<void> {
    const openai = openaiOf(`http://127.0.0.1:${port}`, { maxRetries: 0 })
    const once = async (more: object): Promise<void> => {
      const stream = await openai.chat.completions.create({ ...HELLO, stream: true }, more)
      for await (const _ of stream);
    }
    await once(wish({ fault: { kind: 'flex' } })).catch(() => undefined)
    while (!loading.signal.aborted) await once({ signal: loading.signal }).catch(() => undefined)
  }

  /** The values of a query, once there are any; none after a while. */
  async function ask(expr: string): Promise<readonly number[]> {
    const deadline = Date.now() + 20_000
    while (Date.now() < deadline) {
      const response = await fetch(`${base}/api/v1/query?query=${encodeURIComponent(expr)}`).catch(() => undefined)
      if (response !== undefined) {
        const text = await response.text()
        assert.ok(response.status !== 400, `${expr}: ${text}`)
        if (response.status === 200) {
          const values = (JSON.parse(text) as Answer).data.result.map(({ value }) => Number(value[1]))
          if (values.some((value) => Number.isFinite(value))) return values
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    return []
  }

  it('S3.9 every query of the dashboard returns data', async () => {
    const empty: string[] = []
    for (const { title, queries } of CHARTS)
      for (const { expr, legend } of queries) {
        const job = title.startsWith('Models: ') ? 'models' : title.startsWith('Fleet: ') ? 'fleet' : 'sluice'
        if (job === 'fleet' && fleet === undefined) continue
        const asked = expr.replaceAll('$__rate_interval', '5s').replaceAll('$job', job).replaceAll('$instance', '.*')
        if ((await ask(asked)).length === 0) empty.push(`${title}, ${legend}: ${asked}`)
      }
    assert.deepEqual(empty, [], log)
  })

  it('S3.9 what they say is so: four in progress, four waiting, and most turned away', async () => {
    const [limit] = await ask('sum(backpressure_limit{job="sluice"})')
    assert.equal(limit, 4)
    const [most] = await ask('max_over_time(backpressure_active_requests{job="sluice"}[5s])')
    assert.ok(most !== undefined && most >= 1 && most <= 4, `${most}`)
    const [refused] = await ask('sum(rate(backpressure_rejected_total{job="sluice",code!="cancelled"}[5s]))')
    assert.ok(refused !== undefined && refused > 1, `${refused}`)
    const [good] = await ask('sum(rate(backpressure_released_total{job="sluice",outcome="success"}[5s]))')
    assert.ok(good !== undefined && good > 10 && good <= 110, `four at a time of 40 ms each: ${good}`)
  })

  it('S3.8 what is scraped is as Prometheus would have it: promtool minds nothing', async (test) => {
    if (spawnSync('promtool', ['--version']).status !== 0) return test.skip('promtool is not installed')
    for (const { adminPort } of [gateway, models, ...(fleet === undefined ? [] : [fleet])]) {
      const input = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text()
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })
      assert.deepEqual([status, stdout, stderr], [0, '', ''])
    }
  })

  it('S3.10 takes the alert rules, and finds nothing wrong when it evaluates them', async () => {
    const response = await fetch(`${base}/api/v1/rules`)
    const { data } = (await response.json()) as {
      data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] }
    }
    const rules = data.groups.flatMap((group) => group.rules)
    assert.deepEqual(
      rules.map(({ name }) => name),
      ALERTS.map(({ alert }) => alert),
    )
    for (const { name, health, lastError } of rules) assert.equal(health, 'ok', `${name}: ${lastError}`)
  })

  it('S3.9 is a dashboard: one panel for each chart, none over another', () => {
    const { panels } = JSON.parse(grafana()) as {
      panels: { id: number; title: string; gridPos: { x: number; y: number; w: number; h: number } }[]
    }
    assert.deepEqual(
      panels.map(({ title }) => title),
      CHARTS.map(({ title }) => title),
    )
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      assert.ok(x + w <= 24)
      return Array.from({ length: w * h }, (_, index) => `${x + (index % w)}:${y + Math.floor(index / w)}`)
    })
    assert.equal(new Set(cells).size, cells.length)
  })
})
