import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { runBench, type BenchResult, type ScenarioName } from '../../src/bench/index.ts'
import { PAGE, POOL, WORK } from '../../src/bench/setting.ts'
import { startChild } from '../../src/demo/child.ts'
import { measured } from '../bench/measured.ts'
import { sluice, type Ended } from './cli-child.ts'

/** The same load on the same service, without a gateway between them. */
async function busyWithout(...scenarios: readonly ScenarioName[]): Promise<boolean> {
  const service = await startChild({ role: 'upstream', slots: POOL, service: WORK })
  try {
    const url = `http://127.0.0.1:${service.port}/`
    return (await runBench({ scenarios, length: 3000, url, page: PAGE })).scenarios.some(({ busy }) => busy)
  } finally {
    await service.stop()
  }
}

// By itself (scripts/run-tests.mjs): what is measured here judges the gate only where the machine has time.
describe('sluice bench, measured', () => {
  it('S3.11 S3.13 passes overload and writes a page that shows before and after', async (test) => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
    try {
      const file = join(folder, 'overload.html')
      const run = (): Promise<Ended> => sluice('bench', '--scenario', 'overload', '--for', '4s', '--report', file).ended
      const busy = ({ code, stdout: text }: Ended): boolean => code === 1 && text.includes('too busy to measure')
      const ended = await measured({ test, run, busy, busyWithout: () => busyWithout('overload') })
      if (ended === undefined) return
      const { code, stdout, stderr } = ended
      assert.equal(code, 0, `${stdout}\n${stderr}`)
      assert.match(stdout, /^PASS {2}overload: 200 users$/m)
      assert.match(stdout, /^ {2}without the gate: .* would fail: what is too much is refused/m)
      assert.match(stdout, /^bench: PASS \(1 of 1\)$/m)
      // No terminal: no colour, and no progress.
      assert.ok(!stdout.includes('\u001B'))
      assert.equal(stderr, '')
      const page = await readFile(file, 'utf8')
      assert.match(page, /before: without a gate[\s\S]*<svg[\s\S]*after: with the gate[\s\S]*<svg/)
      assert.doesNotMatch(page, /https?:|<script|<link|<img| src=/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('S3.11 passes normal and threshold, on processes of its own each', async (test) => {
    const run = (): Promise<BenchResult> => runBench({ scenarios: ['normal', 'threshold'], length: 3000 })
    const busy = (result: BenchResult): boolean => !result.passed && result.scenarios.some((each) => each.busy)
    const result = await measured({ test, run, busy, busyWithout: () => busyWithout('normal', 'threshold') })
    if (result === undefined) return
    const { passed, scenarios } = result
    const failed = scenarios.flatMap(({ checks }) => checks.filter((check) => !check.passed))
    assert.ok(passed, JSON.stringify(failed))
    assert.deepEqual(
      scenarios.map(({ figures }) => figures.waitBy),
      ['gate', 'gate'],
    )
  })
})
