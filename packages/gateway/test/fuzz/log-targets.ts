import assert from 'node:assert/strict'
import { logEntry } from '../../src/simulate/log-line.ts'
import { logLines, LONGEST_LINE } from '../../src/simulate/log-lines.ts'
import { ResponseReader } from '../../src/load/response-reader.ts'
import type { FuzzTarget } from '../../../sluice/dist/test/fuzz/fuzz-target.js'

const COMMON = '192.0.2.1 - bob [10/Oct/2025:13:55:36 -0700] "GET /a HTTP/1.1" 200 2326 "-" "curl" 0.012'
const JSON_LINE = '{"time":"2026-11-21T12:00:00Z","duration":12,"tenant":"acme"}'
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const CHUNKED = 'HTTP/1.1 503 No\r\ntransfer-encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n0\r\n\r\n'

async function linesOf(...chunks: readonly string[]): Promise<string[]> {
  const lines = []
  // eslint-disable-next-line @typescript-eslint/require-await -- as a file comes
  for await (const line of logLines(
    (async function* () {
      yield* chunks
    })(),
  ))
    lines.push(line)
  return lines
}

/** What a reader makes of these pieces, as far as it gets. */
function answered(...pieces: readonly Buffer[]): unknown {
  const reader = new ResponseReader('GET')
  try {
    let done = false
    for (const piece of pieces) done = reader.push(piece) || done
    return { done, status: reader.status, body: reader.body, reusable: reader.reusable, type: reader.header('x') }
  } catch (error) {
    assert.ok(error instanceof Error && !(error instanceof TypeError), String(error))
    return 'no HTTP'
  }
}

export const targets: readonly FuzzTarget[] = [
  {
    name: 'access-logs',
    weight: 8,
    seeds: [
      COMMON,
      JSON_LINE,
      '{"ts":1763726400.123,"request_time":0.5}',
      '- - - [21/Nov/2026:00:00:00 +0000] "-" 400 0',
    ],
    words: ['"', '\\"', '[', ']', ' ', '{', '"time":', '"duration":', '1e999', '{"__proto__":1}', '31/Feb/2026', ':60'],
    check(input) {
      for (const field of [undefined, 'tenant', 'host', 'user', '__proto__', 'constructor']) {
        const entry = logEntry(input, field)
        if (typeof entry === 'string') assert.match(entry, /^[\w ,/:@[\]"-]+$/)
        else {
          assert.ok(Number.isFinite(entry.at))
          assert.ok(entry.took === undefined || (entry.took >= 0 && entry.took <= 86_400_000))
          assert.ok(entry.tenant === undefined || typeof entry.tenant === 'string')
        }
      }
    },
  },
  {
    name: 'log-lines',
    weight: 3,
    isAsync: true,
    seeds: [`${COMMON}\r\n${JSON_LINE}\n`, 'a\nb\n\nc'],
    words: ['\n', '\r\n', '\r', 'x'.repeat(LONGEST_LINE)],
    async check(input) {
      const whole = await linesOf(input)
      for (const line of whole) assert.ok(line.length <= LONGEST_LINE + 2)
      const half = input.length >> 1
      const cut = await linesOf(input.slice(0, half), input.slice(half))
      // Of a line that is too long it is only told that it is.
      const short = (line: string): string => (line.length > LONGEST_LINE ? 'too long' : line)
      assert.deepEqual(cut.map(short), whole.map(short))
    },
  },
  {
    name: 'load-answers',
    weight: 4,
    seeds: [ANSWER, CHUNKED, 'HTTP/1.1 204 No\r\n\r\n', 'HTTP/1.1 200 OK\r\nx: y\r\n\r\nuntil the end'],
    words: [
      '\r\n',
      '0\r\n\r\n',
      'ffffffffffffffff\r\n',
      'content-length: -1\r\n',
      'HTTP/1.1 100 Continue\r\n\r\n',
      ':',
    ],
    check(input) {
      const bytes = Buffer.from(input, 'latin1')
      const half = bytes.length >> 1
      assert.deepEqual(answered(bytes.subarray(0, half), bytes.subarray(half)), answered(bytes))
    },
  },
]
