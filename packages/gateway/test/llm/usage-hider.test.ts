import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { UsageHider } from '../../src/llm/usage-hider.ts'

const DELTA = 'data: {"id":"a","choices":[{"index":0,"delta":{"content":"é \\"choices\\":[] "}}],"usage":null}\n\n'
const USAGE = 'data: {"id":"a","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}\n\n'
const FILTERED = 'data: {"choices":[],"prompt_filter_results":[{"prompt_index":0}]}\n\n'
const DONE = 'data: [DONE]\n\n'

/** What comes out where a stream is cut into pieces of so many bytes. */
function through(stream: string, size: () => number): string {
  const hider = new UsageHider()
  const bytes = Buffer.from(stream)
  const out: Uint8Array[] = []
  for (let from = 0; from < bytes.length;) {
    const to = Math.min(bytes.length, from + Math.max(1, size()))
    // The memory of a piece is used again for the next one.
    const piece = Buffer.from(bytes.subarray(from, to))
    out.push(Buffer.from(hider.take(piece)))
    piece.fill(0)
    from = to
  }
  out.push(hider.end())
  return Buffer.concat(out).toString()
}

describe('S2.2 usage that the gateway asked for', () => {
  const stream = `${FILTERED}: queued\n\n${DELTA}${DELTA}${USAGE}${DONE}`
  const told = `${FILTERED}: queued\n\n${DELTA}${DELTA}${DONE}`

  it('is left out, and every other byte passes, however the stream is cut', () => {
    const random = seeded(7)
    for (const size of [() => 1, () => 2, () => 7, () => 64, () => 1e6, () => Math.floor(random() * 90)])
      assert.equal(through(stream, size), told)
  })

  it('is found with CRLF and with blanks in it, and where the stream ends without a blank line', () => {
    const spaced = USAGE.replace('"choices":[]', '"choices" : [ ]')
    for (const size of [() => 3, () => 1e6]) {
      assert.equal(through(`${DELTA}${spaced}`.replaceAll('\n', '\r\n'), size), DELTA.replaceAll('\n', '\r\n'))
      assert.equal(through(`${DELTA}${USAGE.trimEnd()}`, size), DELTA)
    }
  })

  it('whole events are not held back, and a part of one only until its end', () => {
    const hider = new UsageHider()
    assert.equal(Buffer.from(hider.take(Buffer.from(`${DELTA}data: {"cho`))).toString(), DELTA)
    assert.equal(hider.take(Buffer.from('ices":[{}]}\n')).length, 0)
    assert.equal(Buffer.from(hider.take(Buffer.from('\n'))).toString(), 'data: {"choices":[{}]}\n\n')
  })

  it('an event without an end is not kept: what is too long passes as it comes', () => {
    const long = `data: {"choices":[{"delta":{"content":"${'x'.repeat(50_000)}"}}]}\n\n`
    assert.equal(
      through(`${long}${USAGE}${DONE}`, () => 1000),
      `${long}${DONE}`,
    )
    const hider = new UsageHider()
    let passed = 0
    for (let i = 0; i < 100; i++) passed += hider.take(Buffer.alloc(1000, 120)).length
    assert.ok(passed >= 84_000, `${passed} of 100,000`)
  })
})
