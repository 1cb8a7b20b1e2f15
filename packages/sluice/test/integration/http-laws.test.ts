import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { LawReport } from './http-laws-child.ts'
import { DOORS } from './http-laws-doors.ts'
import { nodeOf, noNode, wholeMatrix } from './node-children.ts'

/** For each law, door and Node. `SLUICE_LAWS_REQUESTS=1000` is what the requirement asks for, and takes minutes. */
const REQUESTS = Number(process.env['SLUICE_LAWS_REQUESTS'] ?? 100)
/** `SLUICE_LAWS_DOOR=koa`: that one alone. */
const ONLY = process.env['SLUICE_LAWS_DOOR']

/**
 * What differs between Nodes is node:http, and `node` meets that bare, on each of them. What frameworks put on top of it is
 * the same on all: they are held to the laws on the oldest Node and on the newest, and on each with SLUICE_NODE_MATRIX=1.
 */
const nodesOf = (door: string): readonly number[] => (wholeMatrix || door === 'node' ? [20, 22, 24] : [20, 24])

/** Runs the laws in a process of their own, on a Node of its own. */
async function judge(node: string, ...args: readonly string[]): Promise<LawReport[]> {
  const child = fork(new URL('http-laws-child.js', import.meta.url), args, {
    execPath: node,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const reports: LawReport[] = []
  let errors = ''
  child.on('message', (report) => void reports.push(report as LawReport))
  child.stderr!.setEncoding('utf8').on('data', (part: string) => (errors += part))
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    assert.deepEqual([code, errors], [0, ''])
    return reports
  } finally {
    child.kill()
  }
}

describe('HTTP laws', () => {
  for (const door of Object.keys(DOORS).filter((name) => ONLY === undefined || name === ONLY))
    for (const major of nodesOf(door)) {
      const skip = noNode(major)
      it(`S3.3 S1.2 ${door}, Node ${major}: every law, ${REQUESTS} requests each`, { skip }, async (t) => {
        const reports = await judge(nodeOf(major)!, door, String(REQUESTS), '10000')
        assert.ok(reports.length >= 23, `only ${reports.length} laws were heard of`)
        for (const { law, took, error } of reports)
          await t.test(`${law} (${took.toFixed(0)} ms)`, () => assert.equal(error, undefined))
      })
    }

  /** One law on a door that breaks it, with little patience. */
  async function fault(door: string, law: string): Promise<string> {
    const [report] = await judge(process.execPath, door, '50', '1500', law)
    assert.ok(report !== undefined, `no law: ${law}`)
    return report.error ?? ''
  }

  it('control: a door that waits for the finish of the response alone leaks, and the laws say so', async () => {
    const door = 'wrong: on finish alone'
    for (const law of ['leaves while served', 'resets its connection', 'middle of the body', 'upload is aborted'])
      assert.match(await fault(door, law), /expected 0 in flight and 0 queued within/)
    assert.equal(await fault(door, 'queue is full'), '')
  })

  it('control: a door that takes the end of the request for the end of the response over-admits', async () => {
    const door = 'wrong: on the close of the request'
    assert.match(await fault(door, 'served: the permit'), /expected 50 in flight/)
    assert.match(await fault(door, 'body streams on'), /expected 50 in flight|at most 50 in progress/)
    assert.equal(await fault(door, 'pipelined requests are answered'), '')
  })
})
