import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { chromium } from 'playwright-core'
import { startEmulator, type Emulator } from '../../src/emulate/index.ts'
import type { Snapshot } from '../../src/live/snapshot.ts'
import { wish } from './emulate-rig.ts'
import { HELLO, openaiOf } from './llm-gateway-rig.ts'
import { until } from './proxy-rig.ts'
import { launchRun, type Sluice } from './run-child.ts'

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => spawnSync(path, ['--version']).status === 0,
)

/** Sluice before an emulated provider, after some calls: streamed, whole, refused here and there, and left. */
describe('S3.8 the figures of language models', { timeout: 30_000 }, () => {
  let folder = ''
  let emulator: Emulator
  let gateway: Sluice
  let at = ''
  let metrics = ''
  let output = 0
  let file = ''

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-figures-'))
    const limits = { requests: 1000, tokens: 90_000 }
    emulator = await startEmulator({ limits, output: 12, engine: { ttft: 20, tokensPerSecond: 150 } })
    file = join(folder, 'sluice.yaml')
    await writes(100_000)
    gateway = await launchRun(file)
    at = `http://127.0.0.1:${gateway.adminPort}`
    await calls()
    metrics = await (await fetch(`${at}/metrics`)).text()
  })

  after(async () => {
    await gateway?.stop()
    await emulator?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function writes(tpm: number): Promise<void> {
    await writeFile(
      file,
      `listen: { host: 127.0.0.1, port: 0, adminPort: 0 }
upstreams: { models: { servers: [{ url: 'http://127.0.0.1:${emulator.port}' }], hostHeader: upstream } }
llm: { dialect: openai, maxOutput: 1000, limits: [{ model: m, rpm: 1000, tpm: ${tpm} }] }
`,
    )
  }

  async function calls(): Promise<void> {
    const openai = openaiOf(`http://127.0.0.1:${gateway.port}`, { maxRetries: 0 })
    const { usage } = await openai.chat.completions.create(HELLO)
    output = usage!.completion_tokens
    for (let i = 0; i < 3; i++)
      for await (const _ of await openai.chat.completions.create({
        ...HELLO,
        stream: true,
        stream_options: { include_usage: true },
      }));
    await assert.rejects(openai.chat.completions.create({ ...HELLO, model: 'nobody' }), { status: 404 })
    await assert.rejects(openai.chat.completions.create(HELLO, wish({ fault: { kind: 'flex' } })), { status: 429 })
    const left = await openai.chat.completions.create({ ...HELLO, stream: true }, wish({ output: 400 }))
    for await (const { choices } of left) if ((choices[0]?.delta.content ?? '') !== '') break
    await departed()
  }

  /** Until the gateway has noticed. */
  async function departed(): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      const { llm } = (await (await fetch(`${at}/snapshot`)).json()) as Snapshot
      if (llm!.departed.length > 0) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** The value of a series, by its name and labels. */
  const value = (series: string): number => {
    const line = metrics.split('\n').find((each) => each.startsWith(`${series} `))
    return Number(line?.slice(series.length + 1))
  }

  it('are in Prometheus: tokens, first tokens, waits, budgets, refusals by class, departures by phase', (t) => {
    t.diagnostic(metrics.split('\n').filter((line) => line.startsWith('backpressure_llm')).length + ' series')
    assert.ok(value('backpressure_llm_calls_total') >= 7)
    assert.ok(value('backpressure_llm_tokens_total{kind="output"}') >= 4 * output)
    assert.ok(value('backpressure_llm_tokens_total{kind="input"}') > 0)
    assert.equal(value('backpressure_llm_time_to_first_token_seconds_count'), 4)
    assert.ok(value('backpressure_llm_time_to_first_token_seconds_sum') > 4 * 0.015)
    // On a busy machine several pieces come at once.
    assert.ok(value('backpressure_llm_inter_token_seconds_count') >= 1)
    assert.ok(value('backpressure_llm_wait_seconds_count{priority="2"}') >= 6)
    assert.equal(value('backpressure_llm_rejected_total{reason="unknown"}'), 1)
    assert.equal(value('backpressure_llm_departures_total{phase="answering"}'), 1)
    assert.ok(value('backpressure_llm_upstream_refusals_total{class="capacity",status="429"}') >= 1)
    const budget = (name: string): number =>
      value(`backpressure_llm_budget_${name}{provider="openai",model="m",budget="tokens"}`)
    // Declared were 100,000.
    assert.equal(budget('limit'), 90_000)
    assert.ok(budget('remaining') < 90_000 && budget('remaining') > 0)
    assert.ok(budget('told_remaining') < 90_000 && budget('told_remaining') > 0)
    assert.ok(Number.isFinite(budget('drift')) && budget('utilization_ratio') > 0)
    const off = value('backpressure_llm_prediction_error_ratio{kind="output"}')
    assert.ok(off > 0 && off < 1, `${off}`)
    for (const gauge of ['active_calls', 'queued_bytes', 'queued_tokens', 'waiting_calls{priority="3"}'])
      assert.ok(Number.isFinite(value(`backpressure_llm_${gauge}`)), gauge)
  })

  it('have names, kinds and help that promtool finds nothing wrong with', (t) => {
    const own = metrics.split('\n').filter((line) => line.includes('backpressure_llm_'))
    const said = spawnSync('promtool', ['check', 'metrics'], { input: `${own.join('\n')}\n`, encoding: 'utf8' })
    if (said.error !== undefined) return t.skip('promtool is not installed: apt-get install prometheus')
    assert.equal(said.status, 0, said.stdout + said.stderr)
  })

  it('S1.14 stand on the page: what flows, who waits, each limit with what the provider says, refusals by cause', async (t) => {
    if (program === undefined) return t.skip('chromium is not installed: apt-get install chromium')
    const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] })
    try {
      const shown = await browser.newPage({ viewport: { width: 390, height: 844 } })
      const complaints: string[] = []
      shown.on('pageerror', (error) => complaints.push(error.message))
      shown.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
      await shown.goto(at)
      const section = shown.getByLabel('Language models')
      await section.waitFor()
      const text = await section.innerText()
      assert.match(text, /first token, p99\s+[\d.]+ m?s/)
      assert.match(text, /openai · m/)
      assert.match(text, /of 90 k left, 100 k declared; .* the provider said [\d.]+ k left, drift /)
      assert.match(text, /2, normal\s+0/)
      assert.match(text, /refused here\s+unknown\s+1/)
      assert.match(text, /refused by the upstream\s+capacity \(429\)/)
      assert.match(text, /client left\s+answering\s+1/)
      assert.equal(await shown.locator('meter').count(), 2)
      const wide = await shown.evaluate<number>('document.documentElement.scrollWidth')
      assert.ok(wide <= 390, `${wide} px wide`)
      assert.deepEqual(complaints, [])
    } finally {
      await browser.close()
    }
  })

  it('go on where they were when a new plan changes the limits of a model', async () => {
    const counted = (): readonly string[] =>
      metrics
        .split('\n')
        .filter((line) => /^backpressure_llm_\w+_(total|bucket|sum|count)\b/.test(line))
        .sort()
    const before = counted()
    assert.ok(before.length > 50)
    await writes(80_000)
    gateway.kill('SIGHUP')
    await until('the new plan', () => /SIGHUP: .* is in force/.test(gateway.err()))
    metrics = await (await fetch(`${at}/metrics`)).text()
    assert.deepEqual(counted(), before)
    const arrived = value('backpressure_llm_calls_total')
    await openaiOf(`http://127.0.0.1:${gateway.port}`, { maxRetries: 0 }).chat.completions.create(HELLO)
    metrics = await (await fetch(`${at}/metrics`)).text()
    assert.equal(value('backpressure_llm_calls_total'), arrived + 1)
  })
})
