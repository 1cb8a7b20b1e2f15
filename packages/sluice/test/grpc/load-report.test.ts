import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Metadata } from '@grpc/grpc-js'
import { seeded } from '../../src/index.ts'
import { loadReportOf } from '../../src/grpc/index.ts'

const EMPTY = { requestCost: {}, utilization: {}, namedMetrics: {} }

function reportOf(...reports: readonly (readonly number[])[]): unknown {
  const metadata = new Metadata()
  for (const bytes of reports) metadata.add('endpoint-load-metrics-bin', Buffer.from(bytes))
  const report = loadReportOf(metadata)
  // Without prototypes they are not deeply equal to literals.
  return report === undefined ? undefined : JSON.parse(JSON.stringify(report))
}

function double(value: number): number[] {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return [...bytes]
}

const field = (id: number, kind: number): number => id * 8 + kind
const number = (id: number, value: number): number[] => [field(id, 1), ...double(value)]
const entry = (id: number, name: string, value: number): number[] => {
  const bytes = [field(1, 2), name.length, ...Buffer.from(name), field(2, 1), ...double(value)]
  return [field(id, 2), bytes.length, ...bytes]
}

describe('loadReportOf', () => {
  it('reads every field of the message', () => {
    const bytes = [
      ...number(1, 0.1),
      ...number(2, 0.2),
      field(3, 0),
      0xac,
      0x02,
      ...entry(4, 'rows', 12),
      ...entry(5, 'disk', 0.5),
      ...entry(5, '__proto__', 0.6),
      ...number(6, 100.5),
      ...number(7, 2),
      ...entry(8, 'heat', -3),
      ...number(9, 1.25),
    ]
    assert.deepEqual(reportOf(bytes), {
      cpuUtilization: 0.1,
      memUtilization: 0.2,
      requestCost: { rows: 12 },
      utilization: { disk: 0.5, ['__proto__']: 0.6 },
      rps: 100.5,
      eps: 2,
      namedMetrics: { heat: -3 },
      applicationUtilization: 1.25,
    })
    assert.equal(({} as { disk?: number }).disk, undefined)
  })

  it('skips what it does not know, of every kind', () => {
    const unknown = [
      field(20, 0),
      0x80,
      0x01,
      field(15, 1),
      ...double(1),
      field(14, 2),
      3,
      1,
      2,
      3,
      field(13, 5),
      1,
      2,
      3,
      4,
    ]
    // Field 20 needs two octets of key.
    unknown.splice(0, 1, 0xa0, 0x01)
    assert.deepEqual(reportOf([...unknown, field(1, 1), ...double(0.5)]), { ...EMPTY, cpuUtilization: 0.5 })
  })

  it('an empty message is a report that says nothing', () => assert.deepEqual(reportOf([]), EMPTY))

  it('none, several, or what is impossible is no report', () => {
    assert.equal(reportOf(), undefined)
    assert.equal(reportOf(number(1, 0.5), number(1, 0.5)), undefined)
    for (const value of [Number.NaN, Infinity, -0.1]) assert.equal(reportOf(number(1, value)), undefined)
    assert.equal(reportOf(entry(5, 'disk', Number.NaN)), undefined)
  })

  it('what is cut short anywhere is no report, or one of the whole fields before', () => {
    const bytes = [field(1, 1), ...double(0.5), ...entry(5, 'disk', 0.5), field(9, 1), ...double(0.25)]
    const whole = new Set([0, 9, bytes.length - 9, bytes.length])
    for (let end = 0; end <= bytes.length; end++)
      assert.equal(reportOf(bytes.slice(0, end)) !== undefined, whole.has(end), `cut after ${end}`)
  })

  it('no bytes make it throw or hang', () => {
    const random = seeded(4711)
    let read = 0
    for (let round = 0; round < 20_000; round++) {
      const bytes = Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256))
      if (reportOf(bytes) !== undefined) read++
    }
    assert.ok(read > 0 && read < 20_000)
    assert.equal(reportOf(Array.from({ length: 100 }, () => 0xff)), undefined)
  })
})
