import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DemoResult, DemoSecond } from '../../src/demo/demo.ts'
import { plan } from '../../src/demo/plan.ts'
import { Screen, type ScreenOptions } from '../../src/demo/screen.ts'
import type { LiveSecond } from '../../src/load/index.ts'

const PLAN = plan(20_000)
const LIVE: LiveSecond = {
  at: 7,
  phase: PLAN.phases[3]!,
  p99: 240.6,
  offered: 1200,
  late: 0,
  good: 398,
  slow: 0,
  rejected: 802,
  unexplained: 0,
  failed: 0,
  timeouts: 0,
  errors: 0,
}
const SECOND: DemoSecond = {
  withGate: LIVE,
  withoutGate: { ...LIVE, good: 0, p99: 1000, timeouts: 1200 },
  limit: 27,
  queued: 110,
  backlog: 5400,
}
const LINE =
  '  7s  3.0x  1200/s  | gate: good  398  p99  241 ms  refused  802  limit  27  queue 110' +
  '  | none: good    0  p99 1000 ms  given up 1200  backlog  5400'

function screen(options: Partial<ScreenOptions> = {}): { screen: Screen; written: () => string } {
  let text = ''
  const made = new Screen((part) => (text += part), { redraw: false, colour: false, ...options })
  return { screen: made, written: () => text }
}

const RESULT: DemoResult = {
  passed: false,
  stopped: false,
  byHand: false,
  plan: PLAN,
  verdict: [
    { name: 'one', passed: true, detail: 'fine' },
    { name: 'other one', passed: false, detail: 'not fine' },
  ],
  withGate: { phases: [], stopped: false },
  withoutGate: { phases: [], stopped: false },
}

describe('Screen', () => {
  it('writes one plain line a second', () => {
    const { screen: plain, written } = screen()
    plain.second(SECOND, 400)
    plain.second(SECOND, 400)
    assert.equal(written(), `${LINE}\n${LINE}\n`)
  })

  it('draws over its line on a terminal, never wider than that', () => {
    const { screen: live, written } = screen({ redraw: true, columns: 40 })
    live.second(SECOND, 400)
    live.second(SECOND, 400)
    live.verdict(RESULT)
    assert.ok(written().startsWith(`\r\u001B[2K${LINE.slice(0, 39)}\r\u001B[2K${LINE.slice(0, 39)}\n\n`))
  })

  it('writes a verdict a line, in colour only where asked', () => {
    const { screen: plain, written } = screen()
    plain.verdict(RESULT)
    assert.equal(written(), '\nPASS  one        fine\nFAIL  other one  not fine\n\nverdict: FAIL (1 of 2)\n')
    const { screen: coloured, written: inColour } = screen({ colour: true })
    coloured.verdict(RESULT)
    assert.ok(inColour().includes('\u001B[31mFAIL\u001B[39m  other one'))
  })
})
