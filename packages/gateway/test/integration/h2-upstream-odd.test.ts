import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { answer, ask, frameUpstream, goaway, h2Client, isEnd, isRequest, OK, post } from './h2-rig.ts'
import { scene, until } from './proxy-rig.ts'
import { DATA, END_STREAM, frame, head, PING, reset, SETTINGS } from './tls-rig.ts'

describe('S3 upstreams that do not speak HTTP/2, or not well', () => {
  it('one of HTTP/1.1 is told nothing', async () => {
    await scene(async (stage) => {
      let asked = 0
      const port = await stage.upstream((_req, res) => {
        asked++
        res.end()
      })
      const { failure } = await ask(h2Client(stage, port)).over
      assert.match(failure?.message ?? '', /did not speak HTTP\/2/)
      assert.equal(asked, 0)
    })
  })

  it('nobody there is UNREACHABLE; silence is a timeout before, in front of and in the middle of the answer', async () => {
    await scene(async (stage) => {
      assert.equal((await ask(h2Client(stage, 1)).over).failure?.code, 'UPSTREAM_UNREACHABLE')
      const patience = { connectTimeout: 250, headersTimeout: 250, bodyTimeout: 250 }
      const mute = await stage.rawUpstream(() => {})
      let [pings, begins] = [0, false]
      const port = await frameUpstream(stage, (each, peer, nth) => {
        if (each.type === PING) pings++
        if (!isRequest(each)) return
        if (nth === 1) peer.send(answer(each.id))
        else if (begins) peer.send(head(each.id, 0, OK))
      })
      const upstream = h2Client(stage, port, patience)
      const half = async () => {
        begins = true
        return await ask(h2Client(stage, port, patience)).over
      }
      const [connect, late] = await Promise.all([ask(h2Client(stage, mute, patience)).over, ask(upstream).over])
      assert.match(connect.failure?.message ?? '', /did not accept a connection/)
      assert.match(late.failure?.message ?? '', /did not answer in time/)
      // Whoever does not answer to a ping either is left for another connection.
      const lost = ask(upstream, post()).over
      await until('a ping', () => pings > 0)
      assert.equal((await lost).failure?.code, 'UPSTREAM_TIMEOUT')
      const statuses: number[] = []
      while (statuses.length < 4 && statuses.at(-1) !== 200) statuses.push((await ask(upstream).over).status)
      assert.equal(statuses.at(-1), 200)
      assert.match((await half()).failure?.message ?? '', /stopped in the middle/)
    })
  })

  for (const [when, before, expected] of [
    ['before its answer', [], /before its answer/],
    ['in the middle of it', [head(1, 0, OK), frame(DATA, 0, 1, Buffer.from('abc'))], /broke off in the middle/],
  ] as const)
    it(`an upload that is reset without an error ${when} is over at once, however much of it is unsent`, async () => {
      await scene(async (stage) => {
        const port = await frameUpstream(stage, (each, peer) => {
          if (isRequest(each)) peer.send(...before, reset(each.id, 0))
        })
        // One that goes on, and one that is all there and longer than the window.
        const endless = new PassThrough()
        endless.write('some')
        for (const body of [endless, Readable.from([Buffer.alloc(2 ** 21)])]) {
          const { failure } = await ask(h2Client(stage, port), { method: 'POST', body }).over
          assert.deepEqual([failure?.code, expected.test(failure?.message ?? '')], ['UPSTREAM_FAILED', true])
        }
      })
    })

  it('odd answers are failures', async () => {
    await scene(async (stage) => {
      const odd: Readonly<Record<string, (id: number) => readonly Buffer[]>> = {
        'no status': (id) => [head(id, END_STREAM, ['x', '1'])],
        'two statuses': (id) => [head(id, END_STREAM, OK, OK)],
        'a status that is none': (id) => [head(id, END_STREAM, [':status', '2000'])],
        'a status of HTTP/1.1 alone': (id) => [head(id, END_STREAM, [':status', '101'])],
        'a pseudo header of a request': (id) => [head(id, END_STREAM, OK, [':path', '/'])],
        'a pseudo header behind': (id) => [head(id, END_STREAM, ['x', '1'], OK)],
        'a name in capitals': (id) => [head(id, END_STREAM, OK, ['X', '1'])],
        connection: (id) => [head(id, END_STREAM, OK, ['connection', 'close'])],
        'transfer-encoding': (id) => [head(id, END_STREAM, OK, ['transfer-encoding', 'chunked'])],
        'less than its length': (id) => [
          head(id, 0, OK, ['content-length', '5']),
          frame(DATA, END_STREAM, id, Buffer.from('abc')),
        ],
        'more than its length': (id) => [
          head(id, 0, OK, ['content-length', '2']),
          frame(DATA, END_STREAM, id, Buffer.from('abc')),
        ],
        'two lengths': (id) => [head(id, END_STREAM, OK, ['content-length', '0'], ['content-length', '1'])],
        '300 headers': (id) => [
          head(id, END_STREAM, OK, ...Array.from({ length: 300 }, (_, i) => [`x${i}`, ''] as const)),
        ],
        '20 KiB of headers': (id) => [head(id, END_STREAM, OK, ['x', 'y'.repeat(20_480)])],
        '33 informational ones': (id) => [
          ...Array.from({ length: 33 }, () => head(id, 0, [':status', '103'])),
          answer(id),
        ],
        'an informational one that ends': (id) => [head(id, END_STREAM, [':status', '103'])],
        'a body before its head': (id) => [frame(DATA, END_STREAM, id, Buffer.from('abc'))],
        'a promise': (id) => [frame(SETTINGS, 1, 0), frame(5, 4, id, Buffer.from([0, 0, 0, 2])), answer(id)],
        'a frame that is too long': (id) => [frame(DATA, 0, id, Buffer.alloc(16_385))],
        'an answer nobody asked for': () => [answer(99)],
      }
      const patience = { connectTimeout: 250, headersTimeout: 250 }
      const oneOf = async ([what, say]: readonly [string, (id: number) => readonly Buffer[]]): Promise<void> => {
        const port = await frameUpstream(stage, (each, peer) => {
          if (isEnd(each)) peer.send(...say(each.id))
        })
        const { failure } = await ask(h2Client(stage, port, patience)).over
        // To a fault of the connection nghttp2 answers with GOAWAY and then neither reads nor tells of it.
        if (what === 'control') assert.equal(failure, undefined)
        else assert.match(failure?.code ?? '', /^UPSTREAM_(FAILED|TIMEOUT)$/, what)
      }
      await Promise.all(Object.entries({ ...odd, control: (id: number) => [answer(id)] }).map(oneOf))
    })
  })

  it('whatever it sends, each request ends once and nothing breaks', async () => {
    await scene(async (stage) => {
      const random = seeded(11)
      const dice = (sides: number): number => Math.floor(random() * sides)
      const some = (id: number): Buffer => {
        const honest = [
          head(id, dice(2), OK),
          frame(DATA, dice(2), id, Buffer.from('abc')),
          reset(id, dice(15)),
          goaway(id),
        ]
        const one =
          dice(3) === 0 ? frame(dice(11), dice(256), dice(12), Buffer.alloc(dice(20), dice(256))) : honest[dice(4)]!
        if (dice(4) === 0) one[dice(one.length)] = dice(256)
        return dice(10) === 0 ? one.subarray(0, dice(one.length)) : one
      }
      const port = await frameUpstream(stage, (each, peer) => {
        if (!isRequest(each)) return
        if (dice(3) === 0) peer.send(answer(each.id))
        peer.send(...Array.from({ length: dice(6) }, () => some(each.id)))
        if (dice(3) === 0) peer.socket.end()
      })
      const patience = { connectTimeout: 250, headersTimeout: 250, bodyTimeout: 250 }
      const worker = async (upstream: ReturnType<typeof h2Client>): Promise<string[]> => {
        const ends: string[] = []
        for (let i = 0; i < 3; i++) {
          const { failure } = await ask(upstream, dice(3) === 0 ? post() : {}).over
          ends.push(failure?.code ?? 'answered')
        }
        return ends
      }
      const crews = Array.from({ length: 20 }, () => h2Client(stage, port, patience))
      const ends = (await Promise.all(crews.flatMap((crew) => [worker(crew), worker(crew)]))).flat()
      assert.equal(ends.length, 120)
      assert.ok(ends.filter((end) => end === 'answered').length > 10, `${ends.length}`)
      assert.deepEqual(new Set(ends).has('BAD_REQUEST'), false)
    })
  })
})
