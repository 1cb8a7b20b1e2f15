import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import type { Snapshot, Tick } from '../../src/live/snapshot.ts'
import { events, page, type Events } from '../../src/page/index.ts'
import { sample, ticks } from '../page/sample.ts'

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => spawnSync(path, ['--version']).status === 0,
)
const options =
  program === undefined ? { skip: 'chromium is not installed: apt-get install chromium' } : { timeout: 60_000 }

const YAML = 'upstreams:\n  app:\n    servers:\n      - url: http://127.0.0.1:3000\n'

describe('the page, in a real browser', options, () => {
  let browser: Browser
  let server: Server
  let stream: Events
  let base = ''
  let history: readonly Tick[] = ticks(600, Date.now())
  let lock = ''
  let full = false
  let laid: Snapshot['orders'] = []
  const orders: { path: string; token: string | undefined; body: unknown }[] = []

  before(async () => {
    if (program === undefined) return
    stream = events({
      snapshot: () => sample(history, { orders: laid }),
      tick() {
        history = [...history.slice(1), { ...history.at(-1)!, at: Date.now(), offered: 777 }]
        return history.at(-1)
      },
    })
    server = createServer((req, res) => {
      if (req.url === '/config.yaml') return void res.end(YAML)
      if (req.url?.startsWith('/events') === true) {
        if (full) return void res.writeHead(503).end()
        if (lock === '' || req.headers.authorization === `Bearer ${lock}`) return void stream.serve(res)
        return void res.writeHead(401).end()
      }
      if (req.url?.startsWith('/control/') === true) {
        let body = ''
        req.setEncoding('utf8').on('data', (text: string) => (body += text))
        return void req.on('end', () => {
          orders.push({ path: req.url!, token: req.headers.authorization, body: JSON.parse(body) })
          res.writeHead(200, { 'content-type': 'application/json' }).end('{"success":true,"message":"the limit is 7"}')
        })
      }
      const { html, headers } = page()
      return void res.writeHead(200, headers).end(html)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] })
  })

  after(async () => {
    if (program === undefined) return
    await browser.close()
    stream.close()
    server.close()
    server.closeAllConnections()
  })

  /** Opens the page, and fails with whatever the browser complains about: scripts, styles, its policy. */
  async function open(
    context: BrowserContextOptions,
    look: (shown: Page) => Promise<void>,
    expected = /^$/,
  ): Promise<void> {
    const opened = await browser.newContext(context)
    const shown = await opened.newPage()
    const complaints: string[] = []
    shown.on('pageerror', (error) => complaints.push(error.message))
    shown.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    try {
      await shown.goto(base)
      await shown.getByText('shedding').first().waitFor()
      await look(shown)
      assert.deepEqual(
        complaints.filter((complaint) => !expected.test(complaint)),
        [],
      )
    } finally {
      await opened.close()
    }
  }

  it('S1.14 says the state in one word, and why; six charts are drawn, and every table is there', () =>
    open({ viewport: { width: 1400, height: 1000 } }, async (shown) => {
      assert.match(await shown.locator('.state').innerText(), /▲ shedding\s+the limit of 18 is reached/)
      // Read out when it changes; the sentence changes every second.
      assert.equal(await shown.locator('.state [role=status]').innerText(), '▲ shedding')
      assert.equal(await shown.getByRole('heading', { level: 1 }).innerText(), 'Sluice')
      assert.equal(await shown.locator('canvas').count(), 6)
      // As text: the rest of this file knows no browser.
      const drawn = await shown.evaluate<number[]>(`[...document.querySelectorAll('canvas')].map((canvas) => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
        return new Set(new Uint32Array(data.buffer)).size
      })`)
      for (const colours of drawn) assert.ok(colours > 4, `a chart with ${colours} colours is empty`)
      const headings = await shown.locator('section h2').allInnerTexts()
      assert.deepEqual(headings, [
        'The last refusals',
        'Lanes',
        'Tenants who ask most',
        'Limits',
        'Instances',
        'Upstreams',
        'Shared with the fleet',
        'Controls',
      ])
      assert.match(
        await shown.getByRole('table', { name: 'The last refusals' }).innerText(),
        /every slot is busy and the caller would not wait/,
      )
    }))

  it('follows by itself, once a second', () =>
    open({}, async (shown) => {
      await shown.locator('figure.chart').first().getByText('777').waitFor({ timeout: 5000 })
    }))

  it('shows what clients send as text: nothing of it becomes part of the page', () =>
    open({}, async (shown) => {
      await shown.getByText('POST /<script>alert(1)</script>').waitFor()
      assert.equal(await shown.locator('script').count(), 1)
    }))

  it('S1.14 tells each reason by itself, though they are drawn one on the other', () =>
    open({}, async (shown) => {
      history = history.map((tick) => ({ ...tick, by: { queue_full: 418, queue_timeout: 95 } }))
      await shown.reload()
      const chart = shown.getByRole('figure', { name: 'Turned away, by reason' })
      const legend = async (): Promise<string> => (await chart.locator('.u-legend').innerText()).replaceAll(/\s+/g, ' ')
      await chart.getByText('418').waitFor()
      assert.match(await legend(), /left ?0 ?quota ?0 ?shed ?0 ?waited ?95 ?full ?418/)
      await shown.keyboard.press('t')
      const row = await chart.locator('tbody tr').first().innerText()
      assert.match(row.replaceAll(/\s+/g, ' '), /^\S+ 0 0 0 95 418$/)
    }))

  it('S1.14 says what was ordered and until when, and takes it back', () =>
    open({}, async (shown) => {
      const back = shown.getByRole('button', { name: 'Back to the plan' })
      assert.equal(await back.isDisabled(), true)
      const until = new Date(2026, 10, 22, 3, 4, 5).getTime()
      laid = [
        { kind: 'pause', until },
        { kind: 'limit', limit: 'default', to: 7, until },
      ]
      try {
        await shown.getByText('ordered: default is 7 until 03:04:05').waitFor()
        await shown.getByText('ordered: nobody is refused until 03:04:05').waitFor()
        await back.click()
        await shown.getByText('the limit is 7').waitFor()
        assert.equal(orders.at(-1)?.path, '/control/resume')
      } finally {
        laid = []
      }
    }))

  it('the token that is typed forces no limit when it is entered, and each limit can be chosen', () =>
    open({}, async (shown) => {
      const before = orders.length
      await shown.getByLabel('admin token').fill('a-token-of-some-length')
      await shown.keyboard.press('Enter')
      await shown.getByLabel('which limit').selectOption('everybody')
      await shown.getByRole('button', { name: 'Force limit' }).click()
      await shown.getByText('the limit is 7').waitFor()
      assert.deepEqual(
        orders.slice(before).map(({ body }) => body),
        [{ limit: 100, minutes: 10, name: 'everybody' }],
      )
    }))

  it('the configuration is copied as YAML, and saved where a page has no clipboard, as on an address of the network', () =>
    open({ permissions: ['clipboard-read', 'clipboard-write'], acceptDownloads: true }, async (shown) => {
      const copy = shown.getByRole('button', { name: 'Copy as YAML' })
      await copy.click()
      await shown.getByText('is in the clipboard').waitFor()
      assert.equal(await shown.evaluate('navigator.clipboard.readText()'), YAML)
      await shown.evaluate(`Object.defineProperty(navigator, 'clipboard', { value: undefined })`)
      const saving = shown.waitForEvent('download')
      await copy.click()
      const download = await saving
      assert.equal(download.suggestedFilename(), 'sluice.yaml')
      assert.equal(readFileSync(await download.path(), 'utf8'), YAML)
    }))

  it('says so where too many follow already', () =>
    open(
      {},
      async (shown) => {
        full = true
        try {
          await shown.reload()
          await shown.getByText('too many follow this gateway already').waitFor()
        } finally {
          full = false
        }
      },
      /503/,
    ))

  it('is used by keyboard: charts, tables instead of charts, dark and light, hold', () =>
    open({ colorScheme: 'light' }, async (shown) => {
      const theme = (): Promise<string | undefined> => shown.evaluate('document.documentElement.dataset.theme')
      const becomes = (name: string): Promise<unknown> =>
        shown.waitForFunction(`document.documentElement.dataset.theme === '${name}'`)
      await shown.keyboard.press('3')
      assert.equal(await shown.evaluate(`document.activeElement.getAttribute('aria-label')`), 'Latency')
      assert.equal(await theme(), 'light')
      await shown.keyboard.press('d')
      await becomes('dark')
      await shown.keyboard.press('t')
      await shown.locator('figure.chart table').first().waitFor()
      assert.equal(await shown.locator('canvas').count(), 0)
      await shown.keyboard.press(' ')
      await shown.getByRole('button', { name: 'Go on' }).waitFor()
      await shown.reload()
      await shown.getByText('shedding').first().waitFor()
      assert.equal(await theme(), 'dark', 'the choice is kept')
    }))

  it('fits a telephone, in the theme the system wants', () =>
    open({ viewport: { width: 390, height: 844 }, colorScheme: 'dark' }, async (shown) => {
      const [theme, wide] = await shown.evaluate<[string, number]>(
        '[document.documentElement.dataset.theme, document.documentElement.scrollWidth]',
      )
      assert.equal(theme, 'dark')
      assert.ok(wide <= 390, `${wide} px wide`)
    }))

  it('gives an order with the token that was typed, and shows the answer', () =>
    open({}, async (shown) => {
      const before = orders.length
      await shown.getByLabel('admin token').fill('a-token-of-some-length')
      await shown.getByLabel('limit', { exact: true }).fill('7')
      await shown.getByRole('button', { name: 'Force limit' }).click()
      await shown.getByText('the limit is 7').waitFor()
      assert.deepEqual(orders.slice(before), [
        {
          path: '/control/limit',
          token: 'Bearer a-token-of-some-length',
          body: { limit: 7, minutes: 10, name: 'default' },
        },
      ])
    }))

  it('asks for the token where nothing is told without it, and shows everything once it has it', async () => {
    lock = 'a-token-of-some-length'
    const shown = await browser.newPage()
    try {
      await shown.goto(base)
      await shown.getByText('This port tells nothing without its admin token').waitFor()
      assert.equal(await shown.getByText('shedding').count(), 0)
      await shown.getByLabel(/admin token/).fill(lock)
      await shown.getByRole('button', { name: 'Show' }).click()
      await shown.getByText('shedding').first().waitFor()
      assert.equal(await shown.getByText('This port tells nothing').count(), 0)
    } finally {
      lock = ''
      await shown.close()
    }
  })

  it('saves a report that needs no server: pictures, tables, and the figures', () =>
    open({ acceptDownloads: true }, async (shown) => {
      const saving = shown.waitForEvent('download')
      await shown.getByRole('button', { name: 'Save report' }).click()
      const download = await saving
      const text = readFileSync(await download.path(), 'utf8')
      assert.match(download.suggestedFilename(), /^sluice-[\dT-]+\.html$/)
      assert.equal(text.match(/<img src="data:image\/png/g)?.length, 6)
      assert.match(text, /The last refusals/)
      assert.match(text, /<title>Sluice on 127\.0\.0\.1:\d+, 20\d\d-[\d:.T-]+Z<.title>/)
      assert.match(text, /<h1 [^>]*>Sluice on 127\.0\.0\.1:/)
      assert.doesNotMatch(text, /<script type="module"/)
      const [, json] = /<script type="application\/json" id="snapshot">(.*)<\/script>/s.exec(text)!
      assert.equal((JSON.parse(json!) as { version: number }).version, 1)
    }))

  it('says so when nothing is heard any more, and comes back by itself', () =>
    open(
      {},
      async (shown) => {
        const { port } = server.address() as AddressInfo
        server.close()
        server.closeAllConnections()
        await shown.getByText('not heard').waitFor({ timeout: 10_000 })
        server.listen(port, '127.0.0.1')
        await once(server, 'listening')
        await shown.getByText('not heard').waitFor({ state: 'hidden', timeout: 10_000 })
      },
      /ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)/,
    ))

  it('is one file of at most 60 kB packed, which asks for nothing from elsewhere', () => {
    const { html, headers } = page()
    assert.ok(gzipSync(html).length <= 60_000)
    assert.doesNotMatch(html.toString(), /(?:src|href)=["']?(?:https?:)?\/\//)
    assert.match(
      headers['content-security-policy']!,
      /default-src 'none'; script-src 'sha256-[^ ]+'; style-src 'sha256-/,
    )
  })
})
