import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import type { Tick } from '../../src/live/snapshot.ts'
import { events, page, type Events } from '../../src/page/index.ts'
import { sample, ticks } from '../page/sample.ts'

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => spawnSync(path, ['--version']).status === 0,
)
const options =
  program === undefined ? { skip: 'chromium is not installed: apt-get install chromium' } : { timeout: 60_000 }

describe('the page, in a real browser', options, () => {
  let browser: Browser
  let server: Server
  let stream: Events
  let base = ''
  let history: readonly Tick[] = ticks(600, Date.now())
  let lock = ''
  const orders: { path: string; token: string | undefined; body: unknown }[] = []

  before(async () => {
    if (program === undefined) return
    stream = events({
      snapshot: () => sample(history),
      tick() {
        history = [...history.slice(1), { ...history.at(-1)!, at: Date.now(), offered: 777 }]
        return history.at(-1)
      },
    })
    server = createServer((req, res) => {
      if (req.url?.startsWith('/events') === true) {
        if (lock === '' || req.headers.authorization === `Bearer ${lock}`) return stream.serve(res)
        return res.writeHead(401).end()
      }
      if (req.url?.startsWith('/control/') === true) {
        let body = ''
        req.setEncoding('utf8').on('data', (text: string) => (body += text))
        req.on('end', () => {
          orders.push({ path: req.url!, token: req.headers.authorization, body: JSON.parse(body) })
          res.writeHead(200, { 'content-type': 'application/json' }).end('{"success":true,"message":"the limit is 7"}')
        })
        return
      }
      const { html, headers } = page()
      res.writeHead(200, headers).end(html)
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
        await shown.getByLabel('The last refusals').innerText(),
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
      await shown.getByLabel('admin token').fill('a-token-of-some-length')
      await shown.getByLabel('limit', { exact: true }).fill('7')
      await shown.getByRole('button', { name: 'Force limit' }).click()
      await shown.getByText('the limit is 7').waitFor()
      assert.deepEqual(orders, [
        { path: '/control/limit', token: 'Bearer a-token-of-some-length', body: { limit: 7, minutes: 10 } },
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
