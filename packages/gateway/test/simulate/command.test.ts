import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { SimReport } from 'sluice/sim'
import { sluice } from '../integration/cli-child.ts'

const EXAMPLES = fileURLToPath(new URL('../../../../../examples/scenarios/', import.meta.url))
const SPIKE = join(EXAMPLES, 'spike.yaml')

interface Answer {
  readonly scenario: string
  readonly seed: number
  readonly replay?: { readonly arrivals: number; readonly bad: number }
  readonly runs: readonly { readonly limit: string; readonly report: SimReport }[]
}

describe('sluice simulate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-simulate-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  const examples = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'))

  it('comes with examples', () => assert.ok(examples.length >= 6))

  for (const name of examples)
    it(`runs ${name}: a gate keeps more than none`, async () => {
      const { code, stdout, stderr } = await sluice(
        'simulate',
        join(EXAMPLES, name),
        '--json',
        '--limit=adaptive',
        '--limit=none',
      ).ended
      assert.deepEqual([code, stderr], [0, ''])
      const [guarded, open] = (JSON.parse(stdout) as Answer).runs
      assert.equal(guarded!.report.attempts.offered > 1000, true)
      // What is never full, nobody needs to guard.
      const least = name === 'slow-dependency.yaml' ? 0.9 : 1
      assert.ok(guarded!.report.total.good >= least * open!.report.total.good)
    })

  it('prints the same bytes for the same seed', async () => {
    const json = async (seed: string): Promise<string> =>
      (await sluice('simulate', SPIKE, '--json', '--seed', seed).ended).stdout
    const [first, again, other] = await Promise.all(['7', '7', '8'].map(json))
    assert.equal(first, again)
    assert.notEqual(first, other)
    assert.equal((JSON.parse(first!) as Answer).seed, 7)
  })

  it('writes a page, and text without colours where there is no terminal', async () => {
    const file = join(folder, 'spike.html')
    const { code, stdout, stderr } = await sluice('simulate', SPIKE, '--limit', 'fixed:20', '--report', file).ended
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^fixed:20: of [\d,]+ requests [\d,]+ were answered in time/m)
    assert.ok(!stdout.includes('\u001B'))
    assert.match(readFileSync(file, 'utf8'), /^<!doctype html>[\s\S]*<svg[\s\S]*<\/html>\n$/)
  })

  it('replays a log', async () => {
    const log = join(folder, 'access.log')
    const line = (second: number): string =>
      `::1 - - [01/Feb/2026:00:00:${String(second).padStart(2, '0')} +0000] "GET / HTTP/1.1" 200 5\n`
    writeFileSync(log, `what\n${line(0)}${line(1).repeat(3)}${line(4)}`)
    const { code, stdout } = await sluice('simulate', SPIKE, '--replay', log, '--json').ended
    assert.equal(code, 0)
    const { replay, runs } = JSON.parse(stdout) as Answer
    assert.deepEqual([replay!.arrivals, replay!.bad], [5, 1])
    assert.deepEqual(
      runs[0]!.report.series.points.map(({ offered }) => offered),
      [1, 3, 0, 0, 1],
    )
  })

  it('has help with examples', async () => {
    const { code, stdout } = await sluice('simulate', '--help').ended
    assert.equal(code, 0)
    assert.match(stdout, /Examples:\n {2}\$ sluice simulate examples\/scenarios\/spike\.yaml\n/)
  })

  it('is one line and exit 2 for what makes no sense', async () => {
    const bad = join(folder, 'bad.yaml')
    const empty = join(folder, 'empty.log')
    const large = join(folder, 'large.yaml')
    writeFileSync(bad, 'name: x\nplant:\n  kind: workers\n  slots: none\n')
    writeFileSync(empty, '')
    writeFileSync(large, ' '.repeat(1024 * 1024 + 1))
    for (const [args, why] of [
      [[], /missing required argument 'scenario'/],
      [[join(folder, 'nobody.yaml')], /nobody\.yaml: cannot be read \(ENOENT\)/],
      [[folder], /cannot be read \(EISDIR\)/],
      [[bad], /bad\.yaml:4:3: plant\.slots: expected a whole number of at least 1, got "none"/],
      [[large], /large\.yaml: larger than 1024 KiB/],
      [[SPIKE, '--limit', 'west'], /Expected adaptive, aimd, vegas, gradient2, none or fixed:N, like fixed:20/],
      [[SPIKE, '--limit', 'fixed:0'], /Expected a whole number from 1/],
      [[SPIKE, ...Array.from({ length: 7 }, (_, index) => `--limit=fixed:${index + 1}`)], /expected at most 6/],
      [[SPIKE, '--seed', '-1'], /Expected a whole number from 0/],
      [[SPIKE, '--speed', '2'], /--speed is for --replay, which is missing/],
      [[SPIKE, '--replay', empty], /empty\.log: empty/],
      [[SPIKE, '--replay', bad], /bad\.yaml:1: no time in \[brackets\], and no line of 4 is better/],
      [[SPIKE, '--replay', SPIKE, '--speed', '0'], /Expected a number from 0\.001 to 1000/],
      [[SPIKE, '--report', join(folder, 'no/where.html')], /expected a file that can be written \(ENOENT\)/],
    ] as const) {
      const ended = await sluice('simulate', ...args).ended
      assert.deepEqual([ended.code, ended.stdout], [2, ''], args.join(' '))
      assert.match(ended.stderr, why)
      assert.equal(ended.stderr.trim().split('\n').length, 1, ended.stderr)
    }
  })
})
