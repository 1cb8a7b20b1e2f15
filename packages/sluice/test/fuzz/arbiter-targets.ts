import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { checkBudget, checkReport, checkStatement } from '../../src/arbiter/checks.ts'
import { Frames, type Frame } from '../../src/arbiter/frames.ts'
import type { FuzzTarget } from './fuzz-target.ts'

const REPORT = JSON.stringify({
  session: 's',
  life: 1,
  seq: 1,
  granted: 1,
  returned: 0,
  limit: 4,
  queue: 0,
  spare: 0,
  strict: false,
  leaves: false,
  waiting: [0, 0, 1, 0],
  demand: [{ priority: 2, age: 1.5, count: 1, weight: 1, cost: 1, line: 0 }],
})
const BUDGET = '{"name":"a","buckets":[{"name":"r","interval":1,"capacity":10}]}'
const STATEMENT =
  '{"turn":1,"known":false,"claim":[0],"keep":[1],"need":[1],"want":[2],"pace":{"refills":[{"interval":1,"capacity":2}]}}'

function read(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Every number a check lets pass has an end. */
function assertFinite(value: unknown): void {
  if (typeof value === 'number') assert.ok(Number.isFinite(value))
  else if (typeof value === 'object' && value !== null) Object.values(value).forEach(assertFinite)
}

/** A socket of which the other end says this, in two pieces. */
function heard(text: string, cut: number): { frames: Frame[]; isOpen: boolean } {
  const bytes = Buffer.from(text)
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const frames: Frame[] = []
  const end = new Frames(
    socket as Socket,
    (frame) => frames.push(frame),
    () => {},
  )
  socket.emit('data', bytes.subarray(0, cut).toString('latin1'))
  if (!socket.destroyed) socket.emit('data', bytes.subarray(cut).toString('latin1'))
  const isOpen = !socket.destroyed
  end.end()
  return { frames, isOpen }
}

export const targets: readonly FuzzTarget[] = [
  {
    name: 'arbiter-reports',
    weight: 6,
    seeds: [REPORT, BUDGET, STATEMENT],
    words: ['null', 'true', '[]', '{}', '1e999', '-1', '"session":', '"waiting":', '[', '{"a":', '__proto__'],
    check(input) {
      const value = read(input)
      for (const check of [checkReport, checkBudget, (said: unknown) => checkStatement(said, 1)])
        try {
          assertFinite(check(value))
        } catch (error) {
          if (error instanceof assert.AssertionError || !(error instanceof Error)) throw error
          // Says which field it is.
          assert.match(error.message, /^\w+: /)
        }
    },
  },
  {
    name: 'arbiter-frames',
    weight: 4,
    seeds: ['["hello",1,7,"abc",0]\n["close","s"]\n', `["slots",1,"k",${REPORT}]\n`, '[]\n[]\n'],
    words: ['\n', '[', ']', '{}\n', '[]\n', '"', '\u2028'],
    longest: 300_000,
    check(input) {
      const whole = heard(input, 0)
      const two = heard(input, Math.floor(Buffer.byteLength(input) / 2))
      assert.deepEqual(two, whole)
      for (const frame of whole.frames) assert.ok(Array.isArray(frame))
    },
  },
]
