import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import {
  answer,
  ask,
  frameUpstream,
  goaway,
  h2Client,
  h2Server,
  isEnd,
  isRequest,
  OK,
  post,
  type FramePeer,
} from './h2-rig.ts'
import { scene, until } from './proxy-rig.ts'
import { DATA, frame, head, reset, RST, SETTINGS, type Frame } from './tls-rig.ts'

const [NO_ERROR, INTERNAL, REFUSED, CANCEL, HTTP_1_1_REQUIRED] = [0, 2, 7, 8, 13]

describe('S3 streams that end early', () => {
  it('one that is refused is sent once more, whatever it is, with its body; a second time it is a failure', async () => {
    await scene(async (stage) => {
      const bodies: string[] = []
      let refusals = 1
      let asked = 0
      const port = await frameUpstream(stage, (each, peer) => {
        if (each.type === DATA) bodies.push(each.payload.toString())
        if (isRequest(each)) asked++
        if (!isEnd(each)) return
        peer.send(refusals-- > 0 ? reset(each.id, REFUSED) : answer(each.id))
      })
      const upstream = h2Client(stage, port)
      assert.equal((await ask(upstream).over).status, 200)
      refusals = 1
      assert.equal((await ask(upstream, post()).over).status, 200)
      assert.deepEqual([asked, bodies.filter((body) => body !== '')], [4, ['abc', 'abc']])
      refusals = 2
      assert.match((await ask(upstream).over).failure?.message ?? '', /REFUSED_STREAM/)
      assert.equal(asked, 6)
      // Too long to be kept.
      refusals = 1
      assert.match((await ask(upstream, post('x'.repeat(300_000))).over).failure?.message ?? '', /REFUSED_STREAM/)
    })
  })

  it('half an answer is none, with whichever code it is reset', async () => {
    await scene(async (stage) => {
      let code = 0
      const port = await frameUpstream(stage, (each, peer) => {
        if (isRequest(each))
          peer.send(head(each.id, 0, OK), frame(DATA, 0, each.id, Buffer.from('abc')), reset(each.id, code))
      })
      const upstream = h2Client(stage, port)
      for (code of [NO_ERROR, CANCEL, INTERNAL, REFUSED]) {
        const { status, failure } = await ask(upstream).over
        assert.deepEqual(
          [status, failure?.message],
          [200, 'the upstream broke off in the middle of its answer'],
          `${code}`,
        )
      }
    })
  })

  it('one that is reset before its answer is a failure and not sent again; HTTP_1_1_REQUIRED is heeded', async () => {
    await scene(async (stage) => {
      let [code, asked] = [0, 0]
      const port = await frameUpstream(stage, (each, peer) => {
        if (!isRequest(each)) return
        asked++
        peer.send(reset(each.id, code))
      })
      const upstream = h2Client(stage, port)
      for (code of [NO_ERROR, CANCEL, INTERNAL])
        assert.equal((await ask(upstream).over).failure?.code, 'UPSTREAM_FAILED')
      assert.equal(asked, 3)
      code = HTTP_1_1_REQUIRED
      // What these frames are to a reader of HTTP/1.1.
      assert.match((await ask(upstream).over).failure?.message ?? '', /did not speak HTTP\/1\.1/)
    })
  })

  it('GOAWAY: what was begun is served, what was not is sent again on another connection, and nothing is lost', async () => {
    await scene(async (stage) => {
      const asked: number[] = []
      const port = await frameUpstream(stage, (each, peer, nth) => {
        if (!isEnd(each)) return
        asked[nth] = (asked[nth] ?? 0) + 1
        if (nth > 0) return peer.send(answer(each.id, 'second'))
        // 1, 3, 5 and 7 were begun; 9 and 11 were not.
        if (each.id === 11) {
          peer.send(goaway(7))
          setTimeout(() => peer.send(...[1, 3, 5, 7].map((id) => answer(id, 'first'))), 50)
        }
      })
      const upstream = h2Client(stage, port)
      const all = Array.from({ length: 6 }, (_, i) => ask(upstream, i % 2 === 0 ? {} : post()))
      await until('those that are sent again', () => asked[1] === 2)
      const late = ask(upstream)
      const answers = await Promise.all([...all, late].map(({ over }) => over))
      assert.deepEqual(
        answers.map(({ body }) => body.toString()),
        ['first', 'first', 'first', 'first', 'second', 'second', 'second'],
      )
      assert.deepEqual(asked, [6, 3])
    })
  })

  it('whoever comes too late for several connections is served by the next, if it is not the sixth', async () => {
    await scene(async (stage) => {
      let leaving = 5
      const port = await frameUpstream(stage, (each, peer, nth) => {
        if (isEnd(each)) peer.send(nth < leaving ? goaway(0) : answer(each.id, `on ${nth}`))
      })
      const upstream = h2Client(stage, port)
      assert.equal((await ask(upstream, post()).over).body.toString(), 'on 5')
      leaving = Infinity
      assert.match((await ask(upstream, post()).over).failure?.message ?? '', /REFUSED_STREAM|closed/)
    })
  })

  it('GOAWAY with an error: what was not begun is sent again, of the rest what may be', async () => {
    await scene(async (stage) => {
      const port = await frameUpstream(stage, (each, peer, nth) => {
        if (!isEnd(each)) return
        if (nth > 0 || each.id === 1) peer.send(answer(each.id, `on ${nth}`))
        else if (each.id === 9) peer.send(goaway(5, INTERNAL))
      })
      const upstream = h2Client(stage, port)
      assert.equal((await ask(upstream).over).body.toString(), 'on 0')
      const all = [ask(upstream), ask(upstream, post()), ask(upstream, post()), ask(upstream)]
      const [get, begun, ...others] = await Promise.all(all.map(({ over }) => over))
      assert.equal(get!.body.toString(), 'on 1')
      assert.equal(begun!.failure?.code, 'UPSTREAM_FAILED')
      for (const { body } of others) assert.equal(body.toString(), 'on 1')
    })
  })

  it('a server of Node that closes under load loses nothing', async () => {
    await scene(async (stage) => {
      const server = await h2Server(stage, (stream) => {
        setTimeout(() => {
          if (stream.destroyed) return
          stream.respond({ ':status': 200 })
          stream.end('x')
        }, 5)
      })
      const upstream = h2Client(stage, server.port)
      const told: (number | string)[] = []
      const worker = async (): Promise<void> => {
        for (let i = 0; i < 30; i++) {
          const { status, failure } = await ask(upstream, i % 3 === 0 ? post() : {}).over
          told.push(failure?.message ?? status)
        }
      }
      const all = Promise.all(Array.from({ length: 20 }, worker))
      for (let at = 100; at <= 500; at += 100) {
        await until('some more', () => told.length >= at)
        for (const session of server.sessions) if (!session.closed) session.close()
      }
      await all
      assert.deepEqual(new Set(told), new Set([200]))
      assert.ok(server.sessions.length >= 6, `${server.sessions.length}`)
    })
  })

  it('a connection that dies: once more what is idempotent and has no body, if it had answered before', async () => {
    await scene(async (stage) => {
      let isDying = true
      const port = await frameUpstream(stage, (each, peer, nth) => {
        if (!isEnd(each)) return
        if (nth > 0 && !isDying) peer.send(answer(each.id, 'again'))
        else if (nth === 0 && each.id === 1) peer.send(answer(1))
        else if (each.id === 5 || nth > 0) peer.socket.destroy()
      })
      const upstream = h2Client(stage, port)
      assert.equal((await ask(upstream).over).status, 200)
      isDying = false
      const [get, upload] = await Promise.all([ask(upstream).over, ask(upstream, post()).over])
      assert.equal(get.body.toString(), 'again')
      assert.equal(upload.failure?.code, 'UPSTREAM_FAILED')
      isDying = true
      const fresh = h2Client(stage, port)
      assert.equal((await ask(fresh).over).failure?.code, 'UPSTREAM_FAILED')
    })
  })
})

describe('S1.4 clients that leave', () => {
  for (const [phase, when, body] of [
    ['while it waits for its answer', 'asked', undefined],
    ['in the middle of the answer', 'answered', undefined],
    ['in the middle of the upload', 'asked', 'half'],
    ['in the middle of both', 'answered', 'half'],
  ] as const)
    it(`${phase}: the stream is reset with CANCEL at once, and not ended before`, async () => {
      await scene(async (stage) => {
        let peer: FramePeer | undefined
        const port = await frameUpstream(stage, (each, at) => {
          peer = at
          if (isRequest(each) && when === 'answered')
            at.send(head(each.id, 0, OK), frame(DATA, 0, each.id, Buffer.from('abc')))
        })
        const source = new Readable({ read() {} })
        source.push(Buffer.from(body ?? ''))
        const upstream = h2Client(stage, port)
        const asked = ask(upstream, body === undefined ? {} : { method: 'POST', body: source })
        const heard = (): readonly Frame[] => peer?.frames.filter(({ id }) => id === 1) ?? []
        await until('all of it', () =>
          when === 'answered' ? asked.told.status === 200 : heard().length >= (body === undefined ? 1 : 2),
        )
        const began = performance.now()
        asked.call.abort()
        await until('the reset', () => heard().some(({ type }) => type === RST))
        assert.ok(performance.now() - began < 250, 'at once')
        assert.equal(
          heard()
            .find(({ type }) => type === RST)!
            .payload.readUInt32BE(),
          CANCEL,
        )
        assert.equal(heard().filter(isEnd).length, body === undefined ? 1 : 0)
        assert.equal(source.destroyed, false)
        assert.equal(peer!.socket.destroyed, false)
      })
    })

  it('before there is a connection: nothing is sent', async () => {
    await scene(async (stage) => {
      let connections = 0
      let heard = 0
      const port = await stage.rawUpstream((socket) => {
        connections++
        socket.on('data', (chunk) => (heard += chunk.length))
        setTimeout(() => socket.write(frame(SETTINGS, 0, 0)), 50)
      })
      const upstream = h2Client(stage, port)
      const left = ask(upstream)
      ask(upstream)
      left.call.abort()
      await until('the other one', () => heard > 24 + 9 + 60)
      assert.equal(connections, 1)
      assert.equal(left.told.failure, undefined)
    })
  })

  it('an upload that was answered already is reset, not ended', async () => {
    await scene(async (stage) => {
      let peer: FramePeer | undefined
      const port = await frameUpstream(stage, (each, at) => {
        peer = at
        if (isRequest(each)) at.send(answer(each.id, 'enough'))
      })
      const body = new Readable({ read() {} })
      body.push('half')
      assert.equal((await ask(h2Client(stage, port), { method: 'POST', body }).over).body.toString(), 'enough')
      await until('the reset', () => peer!.frames.some(({ type }) => type === RST))
      assert.equal(peer!.frames.filter(isEnd).length, 0)
    })
  })
})
