import assert from 'node:assert/strict'
import { quotaSpentFor, retryAfterTold } from '../../src/clients/told.ts'
import { headerIn, withHeader } from '../../src/clients/header-list.ts'
import { loadTold } from '../../src/clients/load-told.ts'
import { parseList } from '../../src/clients/structured-list.ts'
import { Rejection } from '../../src/ground/index.ts'
import { fieldString } from '../../src/http/field.ts'
import { bodyFormat, isHealthPath, refuse, timeLeft, TIME_LEFT_HEADERS, urgency } from '../../src/http/index.ts'
import type { FuzzTarget } from './fuzz-target.ts'

const DAY = 86_400_000
const only =
  (name: string, value: string) =>
  (asked: string): string | undefined =>
    asked === name ? value : undefined
const within = (value: number | undefined, most: number): void =>
  assert.ok(value === undefined || (value >= 0 && value <= most), String(value))
/** What node:http would refuse to send, or a reader take for two fields. */
// eslint-disable-next-line no-control-regex -- it is these that may not be there
const UNSENDABLE = /[^\x20-\x7e]/

export const targets: readonly FuzzTarget[] = [
  {
    name: 'priority',
    weight: 3,
    seeds: ['u=3', 'u=0, i', 'i, u=7;x'],
    words: ['u=', ',', ';', 'i', 'u=8', ' '],
    check(input) {
      const read = urgency(input)
      assert.ok(read === undefined || [0, 1, 2, 3].includes(read))
    },
  },
  {
    name: 'deadlines',
    weight: 5,
    seeds: ['800ms', '2.5s', '30', '100m', '99999999H'],
    words: ['S', 'ms', 's', '.', 'H', 'n'],
    check(input) {
      for (const name of TIME_LEFT_HEADERS) within(timeLeft(only(name, input)), 1e8 * 3_600_000)
      // The shortest counts, whatever else is said.
      const least = timeLeft((name) => (name === 'grpc-timeout' ? '5m' : input))
      assert.ok(least !== undefined && least <= 5)
    },
  },
  {
    name: 'retry-after',
    weight: 5,
    seeds: ['120', 'Fri, 31 Dec 1999 23:59:59 GMT', '1500', '0.5'],
    words: ['GMT', 'Mon, ', ' 2026 ', ':', '.'],
    check(input) {
      const date = 'Fri, 31 Dec 1999 23:59:00 GMT'
      for (const name of ['retry-after', 'retry-after-ms'])
        within(
          retryAfterTold((asked) => (asked === name ? input : asked === 'date' ? date : undefined)),
          DAY,
        )
      within(
        retryAfterTold((asked) => (asked === 'date' ? input : asked === 'retry-after' ? date : undefined)),
        DAY,
      )
    },
  },
  {
    name: 'structured-fields',
    weight: 10,
    seeds: ['"default";r=0;t=30', 'a;b=?1;c="x\\"y", :AAAA:;d=1.5', '0.92;queue', '"a", "b";w=60'],
    words: ['"', '\\"', ';', ',', '=', '?1', ':', '.', '*', 'r=0', 't=1', '  '],
    check(input) {
      within(quotaSpentFor(only('ratelimit', input)), DAY)
      within(
        quotaSpentFor((name) => (name === 'ratelimit-policy' ? input : '"a";r=0;t=9')),
        DAY,
      )
      const read = parseList(input)
      for (const { value, parameters } of read ?? []) {
        assert.notEqual(typeof value, 'object')
        for (const [key, told] of parameters) {
          assert.match(key, /^[a-z*][a-z0-9_\-.*]*$/)
          assert.notEqual(typeof told, 'object')
        }
      }
      // What we write ourselves is read back as it was.
      const written = fieldString(input)
      assert.doesNotMatch(written, UNSENDABLE)
      // eslint-disable-next-line no-control-regex -- what a String may hold
      if (/^[\x20-\x7e]*$/.test(input) && written.length <= 2048) assert.equal(parseList(written)?.[0]?.value, input)
    },
  },
  {
    name: 'load-reports',
    weight: 5,
    seeds: [
      'TEXT cpu_utilization=0.5,application_utilization=0.9',
      'JSON {"application_utilization":0.3}',
      '0.9;queue',
    ],
    words: ['TEXT ', 'JSON ', 'BIN ', '=', ',', '__proto__ ', '{"__proto__":', 'application_utilization', '1e9'],
    check(input) {
      for (const name of ['endpoint-load-metrics', 'sluice-pressure']) {
        const { utilization, pressure } = loadTold(only(name, input)) ?? {}
        within(utilization, 100)
        within(pressure, 100)
      }
    },
  },
  {
    name: 'rejections',
    weight: 6,
    // Gates are named by their owners, and answers are kept by the name.
    longest: 1024,
    seeds: ['api', 'a"b\\c', 'tenant\r\nset-cookie: x=1', '\u2028'],
    words: ['\r\n', '"', '\\', '</script>', '\u0000', '\ud800'],
    check(input) {
      for (const accept of ['application/json', input, 'application/problem+json'])
        for (const code of ['queue_full', 'rate_limited'] as const) {
          const rejection = new Rejection(code, input, 2, 1, 900)
          const { headers, body, status } = refuse(rejection, bodyFormat(accept, 'envelope'))
          assert.ok(status === 429 || status === 503)
          for (const value of Object.values(headers)) assert.doesNotMatch(value, UNSENDABLE)
          assert.equal(headers['content-length'], String(Buffer.byteLength(body)))
          assert.equal(typeof JSON.parse(body), 'object')
        }
    },
  },
  {
    name: 'health-paths',
    weight: 3,
    seeds: ['/health', '/health/live?x', '/metrics/a', '/healthz'],
    words: ['/', '..', '%2e', '\\', '?', '/health/', 'health'],
    check(input) {
      // No server lets anything else through, and URL takes tabs out.
      const target = input.replaceAll(/[^\x21-\x7e]|#/g, '')
      if (!isHealthPath(target)) return
      const { pathname } = new URL(`http://a${target}`)
      assert.match(pathname, /^\/(?:health|healthz|live|livez|metrics|ready|readyz)(?:\/|$)/)
    },
  },
  {
    name: 'header-lists',
    weight: 3,
    seeds: ['accept\nx\nAccept\ny', 'retry-after\n1', '__proto__\nx'],
    words: ['\n', 'accept', 'ACCEPT'],
    check(input) {
      const list = input.split('\n')
      if (list.length % 2 === 1) list.push('')
      const set = withHeader(list, 'accept', 'z')
      assert.equal(headerIn(set, 'accept'), 'z')
      const record = Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1]!]] : [])))
      assert.equal(headerIn(withHeader(record, 'accept', 'z'), 'accept'), 'z')
    },
  },
]
