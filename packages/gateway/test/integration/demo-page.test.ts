import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { chromium } from 'playwright-core'
import { runDemo, type DemoResult } from '../../src/demo/demo.ts'
import { demoReport } from '../../src/demo/report.ts'
import { reportPage } from '../../src/report/index.ts'

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => spawnSync(path, ['--version']).status === 0,
)
const options = program === undefined ? { skip: 'chromium is not installed: apt-get install chromium' } : {}

describe('the page of the demo', { timeout: 60_000 }, () => {
  it('S3.13 shows both sides live, is moved by hand, and ends with a report', options, async () => {
    const stop = new AbortController()
    let running: Promise<DemoResult> | undefined
    const browser = await chromium.launch({ executablePath: program!, args: ['--no-sandbox'] })
    try {
      const url = await new Promise<string>((resolve, reject) => {
        running = runDemo({ duration: 60_000, onPage: resolve, signal: stop.signal })
        running.catch(reject)
      })
      const page = await browser.newPage()
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(error.message))
      await page.goto(url)
      for (const side of ['with the gate', 'without'])
        await page.getByLabel(side, { exact: true }).locator('.state strong').waitFor()
      await page.getByText('less than can be done').waitFor()
      const slider = page.locator('.demo input').first()
      await slider.fill('3')
      await page.getByText('by hand').waitFor()
      await page.getByLabel('with the gate', { exact: true }).getByText('shedding').waitFor({ timeout: 25_000 })
      // Without a gate everybody is let in and nobody is answered in time.
      await page.getByLabel('without', { exact: true }).getByText('upstream failing').waitFor({ timeout: 20_000 })
      assert.deepEqual(complaints, [])

      const move = (body: string, headers: Record<string, string>): Promise<number> =>
        fetch(`${url}control/demo`, { method: 'POST', headers, body }).then(({ status }) => status)
      const json = { 'content-type': 'application/json' }
      assert.equal(await move('{"load":11}', json), 400)
      assert.equal(await move('{"load":1}', { 'content-type': 'text/plain' }), 415)
      assert.equal(await move('{"errors":50,"service":20}', json), 204)
    } finally {
      stop.abort()
      await browser.close()
    }
    const result = await running!
    assert.deepEqual([result.byHand, result.stopped, result.verdict.length], [true, true, 0])
    assert.match(reportPage(demoReport(result)), /with the gate.*without/s)
  })
})
