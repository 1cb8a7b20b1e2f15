import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { httpTransport, openLoop, type PhaseReport, type Transport } from '../../src/load/index.ts'

/** What a handler of 5 ms can do in a second, and what is offered to it. */
const CAPACITY = 200
const OFFERED = 5 * CAPACITY
const CLIENTS = 1000

/** So many clients that take turns, each with a connection of its own, open before the load begins. */
async function clientsOf(port: number): Promise<Transport> {
  const clients = Array.from({ length: CLIENTS }, () => httpTransport({ url: `http://127.0.0.1:${port}/` }))
  for (const client of clients)
    await new Promise<void>((resolve, reject) => {
      client.send({ answered: () => resolve(), failed: (code) => reject(new Error(code)) })
    })
  let turn = 0
  return {
    send: (receiver) => clients[turn++ % CLIENTS]!.send(receiver),
    close: () => clients.forEach((client) => client.close()),
  }
}

/** The third to the fifth second of five. */
async function underLoad(kind: 'bare' | 'protected'): Promise<PhaseReport> {
  const server = fork(new URL('computing-server.js', import.meta.url), [kind])
  try {
    const [port] = (await once(server, 'message')) as [number]
    const transport = await clientsOf(port)
    server.send('compute')
    const { phases } = await openLoop({
      transport,
      phases: [
        { name: 'left out', rate: OFFERED, duration: 2000 },
        { name: 'measured', rate: OFFERED, duration: 3000 },
      ],
    })
    transport.close()
    return phases[1]!
  } finally {
    server.kill('SIGKILL')
  }
}

function goodput({ good, duration }: PhaseReport): number {
  return ((good / duration) * 1000) / CAPACITY
}

describe('a handler that computes, five times its capacity offered', () => {
  it('keeps its goodput behind protect(), and loses it without', async () => {
    let seen = await underLoad('protected')
    // A load that could not be sent in time judges the machine, not the gate: then, and only then, measure again.
    for (let again = 0; again < 2 && goodput(seen) < 0.6 && !seen.punctual; again++) seen = await underLoad('protected')
    assert.ok(goodput(seen) >= 0.6, `good: ${goodput(seen)} of what is possible, ${JSON.stringify(seen)}`)
    assert.ok(seen.rejected > 0 && seen.unexplained === 0, 'the rest is refused, and told why')
    // Control arm.
    const bare = await underLoad('bare')
    assert.ok(goodput(bare) <= 0.2, `good without a gate: ${goodput(bare)}`)
  })
})
