import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLoopbackHost } from '../../src/admin/loopback-host.ts'
import { logLines, LONGEST_LINE } from '../../src/simulate/log-lines.ts'

// What the campaign has found, by itself, so that it stays found whatever its seed.
describe('found by fuzzing', () => {
  it('a log line that is too long is not taken for a whole one where a return stands at the cut', async () => {
    for (const more of ['\r', '\rx', '\r\rx', 'x\r'])
      for (const cut of [1, LONGEST_LINE, LONGEST_LINE + 1, LONGEST_LINE + 2]) {
        const text = `${'x'.repeat(LONGEST_LINE)}${more}\n`
        const lines = []
        // eslint-disable-next-line @typescript-eslint/require-await -- as a file comes
        const chunks = (async function* (): AsyncGenerator<string> {
          yield text.slice(0, cut)
          yield text.slice(cut)
        })()
        for await (const line of logLines(chunks)) lines.push(line.length > LONGEST_LINE)
        assert.deepEqual(lines, [more !== '\r'], JSON.stringify([more, cut]))
      }
  })

  it('a host that only ends like this machine is not this machine', () => {
    for (const host of [
      'evil.example/.localhost',
      'evil.example\\.localhost',
      'evil.example?.localhost',
      'a b.localhost',
    ])
      assert.equal(isLoopbackHost(host), false, host)
  })
})
