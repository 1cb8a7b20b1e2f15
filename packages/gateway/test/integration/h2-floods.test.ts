import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Gateway } from '../../src/gateway.ts'
import { app } from './config-rig.ts'
import { scene, until, type Scene } from './proxy-rig.ts'
import {
  askStream,
  certificate,
  CONTINUATION,
  DATA,
  END_STREAM,
  frame,
  frames,
  GOAWAY,
  head,
  HEADERS,
  noOpenssl,
  PING,
  PSEUDO,
  reset,
  RST,
  secureGateway,
  session,
  SETTINGS,
  type FrameClient,
} from './tls-rig.ts'

const LIMIT = 'limits: { default: { kind: fixed, limit: 10, queue: { capacity: 0 } } }'
const MIB = 2 ** 20

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What is kept, in MiB: neither what the collector has not come to yet, nor pages it has not given back. */
function kept(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / MIB
}

interface Service {
  asked: number
  open: number
}

/** A gateway before a service that takes its time, and a flood on one session while somebody honest is on another. */
async function flooded(
  stage: Scene,
  limits: string,
  flood: (client: FrameClient, service: Service, gateway: Gateway) => Promise<void>,
): Promise<void> {
  const service: Service = { asked: 0, open: 0 }
  const port = await stage.upstream((_req, res) => {
    service.asked++
    service.open++
    const timer = setTimeout(() => res.end('done'), 20)
    res.on('close', () => {
      clearTimeout(timer)
      service.open--
    })
  })
  const shown = certificate(stage)
  const gateway = await secureGateway(stage, shown, `${app(port)}${limits}`)
  const honest = await session(stage, gateway.port, shown)
  assert.equal((await askStream(honest)).status, 200)
  const before = kept()
  await flood(await frames(stage, gateway.port, shown), service, gateway)
  await until('all slots to be free', () => gateway.gate?.stats.inflight === 0 && service.open === 0)
  assert.equal((await askStream(honest)).status, 200)
  const grown = kept() - before
  assert.ok(grown < 8, `${grown} MiB`)
  honest.close()
  const began = performance.now()
  assert.deepEqual(await gateway.drain(10_000), { cutOff: 0 })
  assert.ok(performance.now() - began < 2000, 'nobody waits for it')
}

/** How many the gate has heard of. */
const met = ({ tally }: Gateway) => tally.admissions + tally.rejections

const farewell = (client: FrameClient) => client.frames.find(({ type }) => type === GOAWAY)

describe('floods over HTTP/2', { skip: noOpenssl }, () => {
  it('10,000 streams that are opened and reset in one breath reach no gate, and end their session', async () => {
    await scene(async (stage) => {
      await flooded(stage, LIMIT, async (client, service, gateway) => {
        const flood: Buffer[] = []
        for (let id = 1; id < 20_000; id += 2) flood.push(head(id, END_STREAM, ...PSEUDO), reset(id))
        client.send(...flood)
        await until('its end', () => client.closed || farewell(client) !== undefined)
        // The end of a read may come between a stream and its reset.
        assert.ok(service.asked <= 1 + 100, `${service.asked} came to the upstream`)
        assert.ok(gateway.tally.admissions <= 1 + 100)
      })
    })
  })

  it('streams that are reset once they are at work give their slots back, and there are at most some 1,000', async () => {
    await scene(async (stage) => {
      await flooded(stage, LIMIT, async (client, service, gateway) => {
        const began = performance.now()
        // As many at once as there are slots.
        for (let id = 1; id < 8000 && farewell(client) === undefined; id += 20) {
          const ids = Array.from({ length: 10 }, (_, i) => id + 2 * i)
          const before = met(gateway)
          client.send(...ids.map((each) => head(each, END_STREAM, ...PSEUDO)))
          while (met(gateway) < before + 10 && farewell(client) === undefined) await turn()
          client.send(...ids.map((each) => reset(each)))
        }
        await until('its end', () => farewell(client) !== undefined)
        const { admissions, releasesBy } = gateway.tally
        // 33 a second besides.
        const most = 1050 + (33 * (performance.now() - began)) / 1000
        assert.ok(admissions <= most, `${admissions} of ${most}`)
        assert.ok(releasesBy.ignored > 500, `${releasesBy.ignored} of ${admissions} were at work`)
        const asked = service.asked
        client.send(head(9001, END_STREAM, ...PSEUDO))
        await until('the slots', () => gateway.gate?.stats.inflight === 0)
        assert.ok(service.asked <= asked + 1)
      })
    })
  })

  for (const code of [0, 8])
    it(`who has no window for answers and resets what they are to, with code ${code}, keeps no slot`, async () => {
      await scene(async (stage) => {
        await flooded(stage, LIMIT, async (client, _service, gateway) => {
          client.send(frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0])))
          const POST = [[':method', 'POST'], ...PSEUDO.slice(1)] as const
          client.send(
            head(1, END_STREAM, ...PSEUDO),
            head(3, 0, ...POST),
            head(5, 0, ...POST),
            frame(DATA, 0, 5, Buffer.from('half')),
            head(7, 0, ...POST),
            frame(DATA, END_STREAM, 7, Buffer.from('all')),
          )
          const answered = (): number => client.frames.filter(({ type }) => type === HEADERS).length
          await until('the heads of all answers', () => answered() === 4)
          assert.equal(gateway.gate?.stats.inflight, 4)
          client.send(...[1, 3, 5, 7].map((id) => reset(id, code)))
          await until('all slots to be free, while the connection is open', () => gateway.gate?.stats.inflight === 0)
          assert.equal(client.closed, false)
        })
      })
    })

  it('of 1,000 streams at once 128 are taken, each gated for itself; the others are refused unseen', async () => {
    await scene(async (stage) => {
      await flooded(stage, LIMIT, async (client, _service, gateway) => {
        await until('settings', () => client.frames.some(({ type }) => type === SETTINGS))
        client.send(frame(SETTINGS, 1, 0))
        const all: Buffer[] = []
        for (let id = 1; id < 2000; id += 2) all.push(head(id, END_STREAM, ...PSEUDO))
        client.send(...all)
        await until('an end', () => client.closed || client.frames.filter(({ type }) => type === RST).length >= 100)
        const { admissions, rejections } = gateway.tally
        assert.ok(admissions - 1 <= 10 && admissions - 1 + rejections <= 128, `${admissions} ${rejections}`)
      })
    })
  })

  for (const [what, flood, first] of [
    ['continuations of a head', frame(CONTINUATION, 0, 1), frame(HEADERS, 0, 1)],
    ['settings', frame(SETTINGS, 0, 0)],
    ['pings', frame(PING, 0, 0, Buffer.alloc(8))],
  ] as const)
    it(`200,000 ${what} from somebody who reads no answer end the session`, async () => {
      await scene(async (stage) => {
        await flooded(stage, LIMIT, async (client) => {
          client.socket.pause()
          if (first !== undefined) client.send(first)
          const some = Buffer.concat(Array.from({ length: 1000 }, () => flood))
          for (let i = 0; i < 200 && !client.closed; i++) {
            client.send(some)
            await turn()
          }
          client.socket.resume()
          await until('its end', () => client.closed)
        })
      })
    })
})
