import assert from 'node:assert/strict'
import { Metadata } from '@grpc/grpc-js'
import { loadReportOf, LOAD_REPORT } from '../../src/grpc/load-report.ts'
import { PUSHBACK, pushbackOf } from '../../src/grpc/pushback.ts'
import type { FuzzTarget } from './fuzz-target.ts'

/** A double of 0.5 in the field of a number, as it lies on the wire. */
const half = (key: number): string => `${String.fromCharCode(key)}\0\0\0\0\0\0\xe0\x3f`
const ENTRY = `\x22\x0c\x0a\x01a${half(0x11).slice(0, 9)}`

export const targets: readonly FuzzTarget[] = [
  {
    name: 'grpc-pushback',
    weight: 2,
    seeds: ['1000', '-1', '0'],
    words: ['-', '+', '.', ' '],
    check(input) {
      const metadata = new Metadata()
      try {
        metadata.set(PUSHBACK, input)
      } catch {
        // What cannot be sent cannot come.
        return
      }
      const told = pushbackOf(metadata)
      assert.ok(told === 'never' || (typeof told === 'number' && told >= 0 && told < 1e10), String(told))
    },
  },
  {
    name: 'grpc-load-report',
    weight: 6,
    seeds: [half(0x09), half(0x11) + half(0x49), ENTRY, `${ENTRY}${half(0x31)}`],
    words: ['\x09', '\x22', '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01', '\x0a\x09__proto__', '\x80', half(0x49)],
    check(input) {
      const metadata = new Metadata()
      metadata.set(LOAD_REPORT, Buffer.from(input, 'latin1'))
      const report = loadReportOf(metadata)
      if (report === undefined) return
      const { requestCost, utilization, namedMetrics, ...numbers } = report
      for (const value of Object.values(numbers)) assert.ok(value >= 0 && value < Infinity)
      for (const map of [requestCost, utilization, namedMetrics]) {
        assert.equal(Object.getPrototypeOf(map), null)
        for (const value of Object.values(map)) assert.ok(Number.isFinite(value))
      }
    },
  },
]
