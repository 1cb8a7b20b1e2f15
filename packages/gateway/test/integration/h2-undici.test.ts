import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { H2CClient } from 'undici'
import { answer, frameUpstream, goaway, isEnd, isRequest, OK, post } from './h2-rig.ts'
import { scene, until, type Scene } from './proxy-rig.ts'
import { DATA, frame, head, reset } from './tls-rig.ts'

function clientOf(stage: Scene, port: number): H2CClient {
  const client = new H2CClient(`http://127.0.0.1:${port}`)
  stage.onEnd(() => client.destroy())
  return client
}

async function textOf(client: H2CClient, more = {}): Promise<string> {
  try {
    return await (await client.request({ path: '/', method: 'GET', ...more })).body.text()
  } catch (error) {
    return (error as Error).message
  }
}

// What fails here one day is a reason less.
describe('why upstreams are not asked over HTTP/2 with undici (decision 18)', () => {
  for (const code of [0, 8])
    it(`half an answer that is reset with ${code} is a whole one to it`, async () => {
      await scene(async (stage) => {
        const port = await frameUpstream(stage, (each, peer) => {
          if (isRequest(each))
            peer.send(head(each.id, 0, OK), frame(DATA, 0, each.id, Buffer.from('half')), reset(each.id, code))
        })
        assert.equal(await textOf(clientOf(stage, port)), 'half')
      })
    })

  it('a GOAWAY ends what the upstream would have served', async () => {
    await scene(async (stage) => {
      const port = await frameUpstream(stage, (each, peer) => {
        if (!isEnd(each)) return
        peer.send(goaway(each.id))
        setTimeout(() => peer.send(answer(each.id)), 50)
      })
      assert.match(await textOf(clientOf(stage, port)), /GOAWAY/)
    })
  })

  it('requests with bodies do not share a connection: the next waits', async () => {
    await scene(async (stage) => {
      let [open, most] = [0, 0]
      const port = await frameUpstream(stage, (each, peer) => {
        if (isRequest(each)) most = Math.max(most, ++open)
        if (!isEnd(each)) return
        setTimeout(() => {
          open--
          peer.send(answer(each.id))
        }, 50)
      })
      const client = clientOf(stage, port)
      const answers = Promise.all(Array.from({ length: 3 }, () => textOf(client, post())))
      await until('one', () => open > 0)
      assert.deepEqual(await answers, ['x', 'x', 'x'])
      assert.equal(most, 1)
    })
  })
})
