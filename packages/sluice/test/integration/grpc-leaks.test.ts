import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { CellReport } from './grpc-leaks.ts'
import { nodeOf, noNode } from './node-children.ts'

/** Plays the cells in a process of its own, on a Node of its own. */
async function play(node: string, manner: 'gated' | 'status-only'): Promise<CellReport[]> {
  const child: ChildProcess = fork(new URL('grpc-leaks.js', import.meta.url), [manner], {
    execPath: node,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let errors = ''
  child.stderr!.setEncoding('utf8').on('data', (part: string) => (errors += part))
  const exit = once(child, 'exit')
  try {
    const first = (await Promise.race([once(child, 'message'), exit])) as [unknown]
    assert.ok(Array.isArray(first[0]), `it ended early: ${errors}`)
    assert.equal(errors, '', 'no warning of too many listeners, nor any other')
    return first[0] as CellReport[]
  } finally {
    child.kill()
    await exit
  }
}

describe('sluice/grpc, however a call ends', () => {
  for (const major of [20, 22, 24]) {
    const skip = noNode(major)
    it(`S1.11 Node ${major}: of 1,000 calls a cell none leaves a permit behind`, { skip }, async (t) => {
      const reports = await play(nodeOf(major)!, 'gated')
      assert.equal(reports.length, 11)
      for (const { cell, calls, leaked, queued, overAdmitted, statuses, endings } of reports) {
        t.diagnostic(`Node ${major}, ${cell}: ${leaked} of ${calls} leaked, ${overAdmitted} over-admitted`)
        assert.equal(calls, 1000, cell)
        assert.deepEqual([leaked, queued, overAdmitted], [0, 0, 0], cell)
        assert.deepEqual(Object.keys(statuses).map(Number), endings, cell)
      }
    })
  }

  it('control: with the status of the handler alone every cancelled call leaks', async (t) => {
    const [report] = await play(process.execPath, 'status-only')
    t.diagnostic(`status alone: ${report!.leaked} of ${report!.calls} leaked`)
    assert.equal(report!.calls, 1000)
    assert.equal(report!.leaked, 1000, 'the trap is gone: this test proves nothing any more')
  })
})
