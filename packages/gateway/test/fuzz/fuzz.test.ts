import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('../../../../../scripts/fuzz.mjs', import.meta.url))

function fuzz(...args: readonly string[]): { code: number | null; out: string } {
  const done = spawnSync(process.execPath, [SCRIPT, ...args], { encoding: 'utf8', timeout: 300_000 })
  return { code: done.status, out: done.stdout + done.stderr }
}

describe('every parser that meets bytes of others', () => {
  it('takes 100,000 inputs of seed 1 without a crash, a hang, a slow answer, a leak or a broken law', (t) => {
    const { code, out } = fuzz('--inputs', '100000')
    const [summary = '', inputs] = /fuzz: (\d+) inputs, .*/.exec(out) ?? []
    t.diagnostic(summary)
    assert.equal(code, 0, out)
    assert.ok(Number(inputs) >= 100_000, summary)
  })

  for (const [target, why] of [
    ['crash', 'TypeError: cannot read'],
    ['pollution', 'a prototype was changed'],
    ['quadratic', 'a quarter of it'],
    ['memory', 'the heap grew'],
    ['hang', 'hangs'],
  ] as const)
    it(`control: ${target} is found where it was planted, with the command that shows it again`, () => {
      const { code, out } = fuzz('--planted', '--inputs', '400', '--target', target)
      assert.equal(code, 1, out)
      assert.match(out, new RegExp(`FAULT ${target}\\b[^\\n]*${why}`))
      assert.match(out, new RegExp(`npm run fuzz -- --target ${target} --seed 1 --input `))
    })
})
