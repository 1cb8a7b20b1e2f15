import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Scenario } from 'sluice/sim'
import { reportPage } from '../../src/report/index.ts'
import { compare, sheet, simulationReport } from '../../src/simulate/index.ts'
import { moment, percent, time } from '../../src/simulate/wording.ts'

const STORM: Scenario = {
  name: '<b>half the workers are lost',
  bound: 200,
  plant: { kind: 'workers', slots: 10, service: 50 },
  load: {
    arrivals: 'even',
    phases: [
      { name: 'calm', lasts: 4000, rate: 150 },
      { name: 'rush', lasts: 6000, rate: 400 },
    ],
  },
  changes: [{ at: 6000, lasts: 2000, slots: 5 }],
  clients: { timeout: 1000 },
}

describe('the text', () => {
  const text = sheet(compare(STORM, { limits: ['fixed:10', 'none'] }))

  it('says what was done, what came of it, and when what happened', () => {
    assert.match(
      text,
      /^<b>half the workers are lost: 10 s of virtual time, seed 1; the plant can do 200\/s; an answer within 200 ms is good\n/,
    )
    assert.match(text, /^most good answers: fixed:10 \d+\/s, none \d+\/s$/m)
    assert.match(text, /^ +fixed:10 +none$/m)
    assert.match(text, /^refused +[\d,]+ \(\d+ %\) +0 \(0 %\)$/m)
    assert.match(text, /^calm +150\/s +148, 50 ms +148, 50 ms$/m)
    assert.match(text, /^good\/s {2}none {6}[▁-█]{10} {2}0 to \d+$/m)
    assert.match(text, /^limit {3}none {6}none$/m)
    assert.match(text, /^0:04 {2}rush begins$/m)
    assert.match(text, /^0:06 {2}the plant: 5 slots$/m)
    assert.match(text, /^0:08 {2}undone: the plant: 5 slots$/m)
  })

  it('names the time in which too little was good, of whom it was', () => {
    assert.match(text, /^0:0\d {2}none: until 0:10 only \d+ % of what was possible was good/m)
    assert.doesNotMatch(text, /fixed:10: until/)
  })

  it('has no colours unless they are asked for', () => {
    assert.ok(!text.includes('\u001B'))
    const bold = sheet(compare(STORM, { limits: [] }), (part) => `**${part}**`)
    assert.match(bold, /^\*\*adaptive: of .*\*\*$/m)
  })
})

describe('the page', () => {
  const page = reportPage(simulationReport(compare(STORM, { limits: ['fixed:10', 'none'] })))

  it('is one file that needs nothing else, and shows names as text', () => {
    assert.match(page, /^<!doctype html>/)
    assert.doesNotMatch(page, /<script|<link|src=|@import|https?:(?!\/\/www\.w3\.org)/)
    assert.ok(page.includes('&lt;b&gt;half the workers') && !page.includes('<b>half'))
  })

  it('overlays all limits in every chart', () => {
    const charts = [...page.matchAll(/<svg[\s\S]*?<\/svg>/g)].map(([svg]) => svg)
    assert.equal(charts.length, 6)
    for (const svg of charts) assert.ok(svg.includes('>fixed:10<') && svg.includes('>none<'), svg.slice(0, 200))
  })
})

describe('wording', () => {
  it('rounds no share to all or nothing', () => {
    assert.deepEqual([0, 0.0004, 0.004, 0.5, 0.9999, 1].map(percent), [
      '0 %',
      '<0.1 %',
      '0.4 %',
      '50 %',
      '99.9 %',
      '100 %',
    ])
    assert.deepEqual([0, 61_000, 3_725_000].map(moment), ['0:00', '1:01', '1:02:05'])
    assert.deepEqual([1.25, 1234, 12_345].map(time), ['1.3 ms', '1,234 ms', '12 s'])
  })
})
