import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { frame } from '../../src/top/index.ts'
import { sample, ticks } from '../page/sample.ts'

const END = Date.UTC(2026, 10, 21, 12)
const shown = sample(ticks(300, END))
const plain = (more: object = {}): string[] =>
  frame({ ...shown, ...more }, { columns: 120, rows: 60, colour: false }).split('\n')

describe('sluice top', () => {
  it('S1.14 says the state and why, the figures, and the last minutes', () => {
    const [state, figures, process, , offered] = plain()
    assert.equal(state, 'SHEDDING  the limit of 18 is reached: 67 % of what arrives is turned away')
    assert.match(
      figures!,
      /^good [\d.]+\/s {2}turned away [\d.]+ % {2}p50 50 ms {2}p99 61 ms {2}in flight \d+ of 24 {2}waiting 0$/,
    )
    assert.match(process!, /^pid 4242, up 1 h, loop 62 %, cpu 70 %, 87.7 MiB$/)
    assert.match(offered!, /^offered +[▁▂▃▄▅▆▇█]{92} \d+$/)
  })

  it('S1.14 on trial nobody is turned away', () => {
    assert.match(plain({ dryRun: true })[1]!, /\/s {2}would turn away [\d.]+ % {2}p50/)
  })

  it('has the tables that have something to say, the most important first', () => {
    const headings = (lines: readonly string[]): string[] =>
      lines.flatMap((line) => /^[A-Z]{4,}(?: [A-Z]+)*(?= {2})/.exec(line)?.[0] ?? []).slice(1)
    assert.deepEqual(headings(plain()), ['LAST REFUSALS', 'UPSTREAM', 'FLEET', 'LIMIT', 'LANE', 'TENANT'])
    const calm = { rejections: [], upstreams: [], fleet: [], lanes: [], tenants: [] }
    assert.deepEqual(headings(plain(calm)), ['LIMIT'])
  })

  it('keeps within the terminal, whatever its size', () => {
    for (const columns of [20, 40, 80, 200])
      for (const rows of [1, 5, 8, 12, 24, 60])
        for (const colour of [false, true]) {
          const lines = frame(shown, { columns, rows, colour }).split('\n')
          assert.ok(lines.length <= rows, `${lines.length} of ${rows} lines`)
          for (const line of lines) assert.ok(stripVTControlCharacters(line).length <= columns, line)
        }
  })

  it('says all of the state and of the figures where the terminal is narrow, in more lines', () => {
    const lines = frame(shown, { columns: 40, rows: 60, colour: false }).split('\n')
    assert.match(lines.join(' '), /^SHEDDING  the limit of 18 is reached: 67 % of what arrives is turned away +good /)
    assert.match(lines.join(' '), /in flight \d+ of 24/)
  })

  it('says what was ordered, and until when', () => {
    const until = new Date(2026, 10, 22, 3, 4, 5).getTime()
    const orders = [
      { kind: 'pause', until },
      { kind: 'limit', limit: 'default', to: 7, until },
    ]
    assert.deepEqual(plain({ orders }).slice(1, 3), [
      'ordered: nobody is refused until 03:04:05',
      'ordered: default is 7 until 03:04:05',
    ])
  })

  it('lets nothing a client sent give orders to the terminal', () => {
    const [first] = shown.rejections
    const hostile = { ...first!, path: '/\u001B[2J\u0007\u202E\n', because: '\u009B31m' }
    const text = plain({ rejections: [hostile] }).join('')
    // eslint-disable-next-line no-control-regex -- none of these may be there
    assert.doesNotMatch(text, /[\u0000-\u001F\u007F-\u009F\u202E]/)
    assert.match(text, /\/\?\[2J\?\?\?/)
  })

  it('is coloured only when told to', () => {
    assert.equal(plain().join('').includes('\u001B'), false)
    assert.ok(frame(shown, { columns: 80, rows: 24, colour: true }).startsWith('\u001B[33m\u001B[1mSHEDDING'))
  })
})
