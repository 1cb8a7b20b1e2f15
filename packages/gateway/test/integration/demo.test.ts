import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runDemo } from '../../src/demo/demo.ts'
import { sluice } from './cli-child.ts'

// By itself (scripts/run-tests.mjs): a verdict takes a machine that has time.
describe('sluice demo, judged', () => {
  it('passes its own verdict and exits 0', async () => {
    let { code, stdout, stderr } = await sluice('demo', '--for', '12s', '--headless').ended
    // A load that could not be sent in time judges the machine, not the gate: then, and only then, measure again.
    for (let again = 0; again < 2 && code !== 0 && stdout.includes('too busy to measure'); again++)
      ({ code, stdout, stderr } = await sluice('demo', '--for', '12s', '--headless').ended)
    assert.equal(code, 0, `${stdout}\n${stderr}`)
    for (const line of [
      'healthy load is let in',
      'goodput held',
      'p99 of admitted',
      'refusals are honest',
      'refusals are quick',
      'recovery',
      'without a gate it fails',
    ])
      assert.match(stdout, new RegExp(`^PASS {2}${line} `, 'm'))
    assert.match(stdout, /^verdict: PASS \(7 of 7\)$/m)
    assert.equal(stdout.match(/^ +\d+s {2}(0\.8|3\.0)x .* gate: good .* none: good /gm)?.length, 12)
    assert.ok(!stdout.includes('\u001B'))
  })

  it('fails its verdict when the gate is taken away', async () => {
    const { passed, verdict, stopped } = await runDemo({ duration: 10_000, protect: false })
    assert.equal(stopped, false)
    assert.equal(passed, false)
    const failed = verdict.filter((check) => !check.passed).map(({ name }) => name)
    assert.deepEqual(failed, [
      'goodput held',
      'p99 of admitted',
      'refusals are honest',
      'refusals are quick',
      'recovery',
    ])
  })
})
