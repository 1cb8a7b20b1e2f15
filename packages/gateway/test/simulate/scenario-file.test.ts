import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { InputError } from '../../src/simulate/index.ts'
import { scenarioOf } from '../../src/simulate/scenario-file.ts'
import { tooDeepAt } from '../../src/yaml/index.ts'

const GOOD = `name: two workers
plant:
  kind: workers
  slots: 2
  service: &service { kind: gamma, mean: 50, cv: 0.6 }
load:
  think: *service
  phases:
    - { name: calm, lasts: 1000, times: 0.5 }
    - lasts: 2000
      rate: [10, 40]
gate:
  limit: { name: aimd, backoff: 0.8 }
`

/** The message for a scenario with one place changed. */
function complaint(from: string | RegExp, to: string): string {
  const text = GOOD.replace(from, to)
  assert.notEqual(text, GOOD)
  try {
    scenarioOf('s.yaml', text)
  } catch (error) {
    assert.ok(error instanceof InputError, String(error))
    assert.ok(!error.message.includes('\n'))
    return error.message
  }
  return 'accepted'
}

describe('a scenario file', () => {
  it('is a scenario, anchors included', () => {
    const { scenario } = scenarioOf('s.yaml', GOOD)
    assert.equal(scenario.name, 'two workers')
    assert.deepEqual(scenario.load.think, { kind: 'gamma', mean: 50, cv: 0.6 })
    assert.deepEqual(scenario.load.phases[1], { lasts: 2000, rate: [10, 40] })
  })

  it('may be JSON', () => {
    const { scenario } = scenarioOf('s.json', JSON.stringify(scenarioOf('s.yaml', GOOD).scenario))
    assert.deepEqual(scenario, scenarioOf('s.yaml', GOOD).scenario)
  })

  it('says file, line, column and field of what is wrong', () => {
    for (const [from, to, message] of [
      ['slots: 2', 'slots: 0', /^s\.yaml:4:3: plant\.slots: expected a whole number of at least 1, got 0$/],
      ['slots: 2', 'slot: 2', /^s\.yaml:4:3: plant\.slot: expected a field there is/],
      ['  slots: 2\n', '', /^s\.yaml:2:1: plant\.slots: expected .*, got undefined$/],
      [
        'times: 0.5',
        'times: -1',
        /^s\.yaml:9:34: load\.phases\[0\]\.times: expected a number from 0 to 1000000, got -1$/,
      ],
      ['rate: [10, 40]', 'rate: [10, x]', /^s\.yaml:11:18: load\.phases\[1\]\.rate\[1\]: expected/],
      ['mean: 50', 'mean: .nan', /^s\.yaml:5:\d+: plant\.service\.mean: expected .*, got NaN$/],
      ['name: two workers', 'names: two', /^s\.yaml:1:1: names: expected a field there is/],
    ] as const)
      assert.match(complaint(from, to), message)
  })

  it('says where it is no YAML', () => {
    assert.match(complaint('[10, 40]', '[10, 40'), /^s\.yaml:\d+:\d+: Flow sequence/)
    assert.match(complaint('slots: 2', 'slots: 2\n  slots: 3'), /^s\.yaml:5:3: slots is there twice$/)
    assert.match(complaint('*service', '*nobody'), /^s\.yaml:7:10: \*nobody stands for nothing$/)
    assert.match(complaint('slots: 2', 'slots: &own [*own]'), /^s\.yaml:4:16: \*own contains itself$/)
    assert.match(complaint('slots: 2', `slots: &x [${'*x, '.repeat(101)}]`), /s\.yaml:4:\d+: /)
    assert.match(complaint('slots: 2', '? [a]\n  : 2'), /^s\.yaml:4:5: a key that is no text$/)
    assert.match(complaint('slots: 2', 'slots: !!js/function x'), /^s\.yaml:4:10: Unresolved tag/)
  })

  it('places what only the run finds', () => {
    const { located } = scenarioOf('s.yaml', GOOD)
    const message = (text: string): string => (located(new RangeError(text)) as Error).message
    assert.match(message('gate.limit: expected one of a, b, got "c"'), /^s\.yaml:13:3: gate\.limit/)
    assert.match(message('aimd.backoff: expected a number, got 7'), /^s\.yaml:13:24: aimd\.backoff/)
    assert.match(message('vegas.alpha: expected a number, got 7'), /^s\.yaml:1:1: vegas\.alpha/)
    const other = new RangeError('Invalid array length')
    assert.equal(located(other), other)
  })

  it('refuses a run whose series nobody could keep', () => {
    assert.match(complaint('lasts: 2000', 'lasts: 1e12'), /^s\.yaml:1:1: every: expected at least 1\d+ for a run of/)
  })

  it('ends bombs before they go off', () => {
    const lines = Array.from({ length: 26 }, (_, index) =>
      index === 0 ? 'a0: &a0 [x, x]' : `a${index}: &a${index} [*a${index - 1}, *a${index - 1}]`,
    )
    assert.throws(() => scenarioOf('bomb.yaml', lines.join('\n')), /^InputError: bomb\.yaml: Excessive alias count/)
    const steps = Array.from({ length: 1000 }, (_, index) => `${' '.repeat(index)}a:`).join('\n')
    for (const text of [
      '- '.repeat(2e5),
      '? '.repeat(2e5),
      '['.repeat(5e5),
      '{a: '.repeat(2e5),
      'a: '.repeat(2e5),
      steps,
    ])
      assert.throws(() => scenarioOf('deep.yaml', text), /^InputError: deep\.yaml:\d+:\d+: nested too deep$/)
  })

  it('says where it is nested too deep', () => {
    assert.equal(tooDeepAt(`name: x\nplant: ${'['.repeat(70)}`), 'name: x\nplant: '.length + 64)
  })

  it('takes what only looks deep', () => {
    assert.equal(tooDeepAt(`a: "${'['.repeat(1000)}"\n# ${'- '.repeat(1000)}`), undefined)
    assert.equal(tooDeepAt(`{${Array.from({ length: 1000 }, (_, index) => `k${index}: [1]`).join(', ')}}`), undefined)
    assert.equal(tooDeepAt('- [1]\n'.repeat(1000)), undefined)
  })

  it('finds keys that are there twice among very many without comparing all with all', () => {
    const keys = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join('\n')
    assert.throws(() => scenarioOf('s.yaml', `${keys}\nk7: 2`), /s\.yaml:20001:1: k7 is there twice/)
  })

  it('is understood or refused in one line, whatever is done to it: 10,000 scenarios', () => {
    const random = seeded(7)
    const pick = (length: number): number => Math.floor(random() * length)
    const pieces = [
      '[',
      ']',
      '{',
      '}',
      ': ',
      '- ',
      '? ',
      '\n',
      '  ',
      '&a ',
      '*a',
      '!!x ',
      '"',
      "'",
      '|',
      '>',
      '#',
      '-1',
      '.nan',
    ]
    pieces.push(
      '1e999',
      'null',
      '~',
      '__proto__: ',
      '<<: ',
      '---\n',
      '\u0000',
      '\uFEFF',
      '\t',
      'é',
      'kind: ',
      'tiers',
      '%YAML ',
    )
    const fate = { taken: 0, refused: 0 }
    for (let round = 0; round < 10_000; round++) {
      let text = GOOD
      for (let change = pick(4); change >= 0; change--) {
        const at = pick(text.length)
        text = text.slice(0, at) + (random() < 0.7 ? pieces[pick(pieces.length)]! : '') + text.slice(at + pick(8))
      }
      try {
        scenarioOf('s.yaml', text)
        fate.taken++
      } catch (error) {
        assert.ok(error instanceof InputError, `${JSON.stringify(text)}: ${String(error)}`)
        assert.match(error.message, /^s\.yaml[^\n]+$/)
        fate.refused++
      }
    }
    // Or it would have tried only one side.
    assert.ok(fate.taken > 200 && fate.refused > 500, JSON.stringify(fate))
  })
})
