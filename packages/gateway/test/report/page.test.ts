import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ticksTo } from '../../src/report/chart.ts'
import { reportPage, type Report } from '../../src/report/index.ts'

const REPORT: Report = {
  title: 'A <report> & "more"',
  text: ['<script>alert(1)</script>'],
  summary: {
    head: ['what', ''],
    rows: [
      ['a', 'PASS'],
      ['b', 'FAIL'],
      ['<i>', 'PASSED'],
    ],
  },
  sections: [
    {
      title: 'one',
      panels: [
        {
          title: 'before',
          charts: [
            {
              title: 'C',
              y: 'a second',
              lines: [
                {
                  label: 'x<y',
                  points: [
                    [0, 0],
                    [1, 10],
                    [2, NaN],
                    [3, 5],
                  ],
                },
                { label: 'none', points: [] },
              ],
              yMax: 20,
              mark: { y: 15, label: 'capacity' },
            },
            { title: 'empty', y: 's', lines: [] },
          ],
        },
        { title: 'after', charts: [] },
      ],
    },
  ],
}

describe('reportPage', () => {
  const page = reportPage(REPORT)

  it('needs nothing else: no address, no script, no font, no picture', () => {
    assert.doesNotMatch(
      page,
      /https?:|\/\/[a-z]|url\(|@import|@font-face|<(script|link|img|iframe|object|embed|base)\b| src=| href=/i,
    )
  })

  it('is light or dark as the reader has it', () => {
    assert.match(page, /@media \(prefers-color-scheme:dark\)/)
    // Every colour of the page is one that changes with it.
    const rules = page.replace(/:root\{[\s\S]*?\}/g, '')
    assert.doesNotMatch(rules.slice(0, rules.indexOf('</style>')), /#[0-9a-f]{3,6}\b/i)
  })

  it('shows text as text', () => {
    assert.ok(page.includes('&lt;script&gt;alert(1)&lt;/script&gt;'))
    assert.ok(page.includes('<title>A &lt;report&gt; &amp; &quot;more&quot;</title>'))
    assert.ok(page.includes('>x&lt;y</text>'))
  })

  it('marks verdicts, and only them', () => {
    assert.match(page, /<td class="pass">PASS<\/td>/)
    assert.match(page, /<td class="fail">FAIL<\/td>/)
    assert.match(page, /<td>PASSED<\/td>/)
  })

  it('draws a line where it has points and a gap where it has none', () => {
    const paths = [...page.matchAll(/<path [^>]*d="([^"]*)"/g)].map((match) => match[1]!)
    // From x 56 to 548, from y 200 (0) up to 30 (20).
    assert.deepEqual(paths, ['M56 200L220 115M548 157.5'])
    assert.doesNotMatch(page, /NaN|undefined|Infinity/)
    assert.match(page, /class="mark"[^>]*y1="72.5"/)
  })
})

describe('ticksTo', () => {
  it('is round, begins at 0, and covers what is asked', () => {
    assert.deepEqual(ticksTo(18.7), [0, 5, 10, 15, 20])
    assert.deepEqual(ticksTo(500), [0, 100, 200, 300, 400, 500])
    assert.deepEqual(ticksTo(0.3), [0, 0.1, 0.2, 0.3])
    assert.deepEqual(ticksTo(0), [0, 1])
    for (let most = 0.001; most < 1e7; most *= 1.37) {
      const ticks = ticksTo(most)
      assert.ok(ticks.length >= 3 && ticks.length <= 7, `${most}: ${ticks.join(' ')}`)
      assert.ok(ticks.at(-1)! >= most * 0.999)
    }
  })
})
