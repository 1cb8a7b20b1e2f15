import assert from 'node:assert/strict'
import { encodeSse } from '../../src/flows/sse-format.ts'
import type { FuzzTarget } from './fuzz-target.ts'

/** As a browser reads it (HTML, "Server-sent events"). */
function events(stream: string): { readonly event: string; readonly data: string }[] {
  const found = []
  let [event, data]: [string, string[]] = ['', []]
  for (const line of stream.split(/\r\n|\r|\n/)) {
    if (line === '') {
      if (data.length > 0) found.push({ event, data: data.join('\n') })
      ;[event, data] = ['', []]
      continue
    }
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data.push(value)
    if (field === 'event') event = value
  }
  return found
}

export const targets: readonly FuzzTarget[] = [
  {
    name: 'sse-injection',
    weight: 4,
    seeds: ['hello', 'a\nb', 'x\r\n\r\nevent: evil\r\ndata: y', '\u2028'],
    words: ['\r', '\n', '\r\n', 'data: ', 'event: evil', 'id: 1', ':', '\u0085'],
    check(input) {
      const lines = input.split(/\r\n|\r|\n/).join('\n')
      assert.deepEqual(events(encodeSse(input)), [{ event: '', data: lines }])
      assert.deepEqual(events(encodeSse({ data: { said: input } })), [
        { event: '', data: JSON.stringify({ said: input }) },
      ])
      for (const field of ['event', 'id'] as const)
        try {
          const name = input
          const [told, ...more] = events(encodeSse({ [field]: name, data: 'x' }))
          assert.deepEqual(more, [])
          assert.equal(told!.data, 'x')
        } catch (error) {
          if (!(error instanceof RangeError)) throw error
          assert.match(error.message, new RegExp(`^sse\\.${field}: expected `))
        }
    },
  },
]
