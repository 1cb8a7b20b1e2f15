import assert from 'node:assert/strict'
import { Gauge, Registry } from 'prom-client'
import type { FuzzTarget } from '../../../sluice/dist/test/fuzz/fuzz-target.js'
import { escape } from '../../src/report/escape.ts'
import { labels } from '../../src/tenants/index.ts'
import { frame } from '../../src/top/index.ts'
import { sample, ticks } from '../page/sample.ts'

const shown = sample(ticks(20, Date.UTC(2026, 10, 21, 12)))
const [refused] = shown.rejections
const [tenant] = shown.tenants
// eslint-disable-next-line no-control-regex -- orders to a terminal, and what turns a line around
const ORDERS = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u200B-\u200F\u2028-\u202E\u2066-\u2069]/

const registry = new Registry()
const gauge = new Gauge({ name: 'probe', help: 'x', labelNames: ['tenant'], registers: [registry] })
const hashed = labels({ from: 'address', required: false, fair: true, max: 1, labels: 'hash', salt: 's' })

/** As Prometheus unescapes a label (exposition format 0.0.4). */
function unescaped(text: string): string {
  return text.replaceAll(/\\(\\|"|n)/g, (_all, sign: string) => (sign === 'n' ? '\n' : sign))
}

export const targets: readonly FuzzTarget[] = [
  {
    name: 'terminal',
    weight: 3,
    // Nothing longer than this comes to be shown.
    longest: 4096,
    seeds: ['/a/b', '/\u001b[2J', 'x\u202ey\u0007', 'acme'],
    words: ['\u001b]0;evil\u0007', '\u009b31m', '\u001b[31m', '\n', '\u2066', '\r'],
    check(input) {
      const snapshot = {
        ...shown,
        rejections: [{ ...refused!, path: input, method: input, because: input, tenant: input }],
        tenants: [{ ...tenant!, tenant: input }],
      }
      const lines = frame(snapshot, { columns: 80, rows: 40, colour: false }).split('\n')
      assert.ok(lines.length <= 40)
      for (const line of lines) assert.doesNotMatch(line, ORDERS)
    },
  },
  {
    name: 'prometheus-labels',
    weight: 3,
    isAsync: true,
    seeds: ['acme', 'a"b\\c\nd', '"} 1\nevil_metric 1'],
    words: ['\n', '"', '\\', '}', '# HELP x y\n', '{', '\r'],
    async check(input) {
      gauge.reset()
      gauge.set({ tenant: input }, 1)
      const lines = (await registry.metrics()).trimEnd().split('\n')
      assert.equal(lines.length, 3)
      const [, told] = /^probe\{tenant="((?:[^"\\\n]|\\[\\"n])*)"\} 1$/.exec(lines[2]!) ?? []
      assert.equal(unescaped(told!), input)
      assert.match(hashed(input), /^[\da-f]{10}$/)
    },
  },
  {
    name: 'html',
    weight: 2,
    seeds: ['<script>', 'a & b', `"onload='x'`],
    words: ['<', '>', '&', '"', "'", '</script>', '&lt;'],
    check(input) {
      const safe = escape(input)
      assert.doesNotMatch(safe, /[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/)
    },
  },
]
