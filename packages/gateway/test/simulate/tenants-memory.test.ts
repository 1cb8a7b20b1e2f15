import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { replayOf, type Replay } from '../../src/simulate/replay.ts'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

const COUNT = 10_000
const TIME = '10/Oct/2000:13:55:36 -0700'
const LONG = 'x'.repeat(2000)

/** Chunks as large as those of a file, of lines that each name another tenant. */
async function* log(line: (tenant: string) => string): AsyncGenerator<string> {
  let chunk = ''
  for (let index = 0; index < COUNT; index++) {
    chunk += `${line(`2001:db8::${String(index).padStart(8, '0')}`)}\n`
    if (chunk.length < 65_536) continue
    yield chunk
    chunk = ''
  }
  yield chunk
}

/** What is kept of each arrival, in bytes. */
async function kept(line: (tenant: string) => string, tenant: string): Promise<number> {
  gc()
  const before = process.memoryUsage().heapUsed
  const replay: Replay = await replayOf('access.log', log(line), { tenant })
  gc()
  const bytes = (process.memoryUsage().heapUsed - before) / COUNT
  assert.equal(replay.summary.tenants, COUNT)
  assert.equal(replay.trace[1]?.flow?.length, 18)
  return bytes
}

describe('tenants of a log', () => {
  it('are kept by name, without the lines they stood in', async () => {
    const common = await kept((host) => `${host} - - [${TIME}] "GET /${LONG} HTTP/1.0" 200 1`, 'host')
    const json = await kept((host) => JSON.stringify({ time: 1e9, host, path: LONG }), 'host')
    // Each line has 2,000 characters and more.
    assert.ok(common < 500, `${common} bytes`)
    assert.ok(json < 500, `${json} bytes`)
  })
})
