import assert from 'node:assert/strict'
import { createServer, get } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, it } from 'node:test'
import { protect, type RequestHandler } from '../../src/servers/node.ts'
import { listen } from './loopback.ts'
import { until } from './waiting.ts'

/** A body that has no end; `breaks` says when it fails. */
function body(breaks: () => boolean): Readable {
  return new Readable({
    highWaterMark: 1,
    read() {
      setImmediate(() => (breaks() ? this.destroy(new Error('the disk is gone')) : this.push('some of it\n')))
    },
  })
}

/** What comes of one request whose client leaves after the first piece, or stays. */
async function outcomes(
  handler: RequestHandler,
  leaves: boolean,
): Promise<readonly [failures: number, ignored: number]> {
  const guarded = protect(handler, { limit: 1 })
  const { port, close } = await listen(createServer(guarded))
  try {
    get(`http://127.0.0.1:${port}/`, (answer) => {
      answer.once('data', () => leaves && answer.destroy()).on('error', () => {})
    }).on('error', () => {})
    const { tally } = guarded
    await until('its end', () => tally!.admissions === 1 && guarded.gate.stats.inflight === 0)
    return [tally!.releasesBy.failure, tally!.releasesBy.ignored]
  } finally {
    await close()
  }
}

describe('an answer that breaks off', () => {
  it('because what it is made of fails is a failure, for limits and breakers', async () => {
    let pieces = 0
    const handler: RequestHandler = (_req, res) => {
      pipeline(
        body(() => ++pieces > 3),
        res,
      ).catch(() => {})
    }
    assert.deepEqual(await outcomes(handler, false), [1, 0])
  })

  it("because its client leaves is nobody's", async () => {
    const handler: RequestHandler = (_req, res) => {
      pipeline(
        body(() => false),
        res,
      ).catch(() => {})
    }
    assert.deepEqual(await outcomes(handler, true), [0, 1])
  })
})
