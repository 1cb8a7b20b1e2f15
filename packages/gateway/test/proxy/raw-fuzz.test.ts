import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seeded } from 'sluice'
import { mutant } from './raw-mutants.ts'
import { toldByNode, toldByRaw, toldByRequest } from './raw-told.ts'

const ROUNDS = Number(process.env['SLUICE_FUZZ'] ?? 100_000)
const SEED = Number(process.env['SLUICE_FUZZ_SEED'] ?? 20_261_121)

describe('S3 the raw client and mutated responses', () => {
  it(`${ROUNDS} of them: accepts none that node refuses, and reads none otherwise`, (t) => {
    const random = seeded(SEED)
    let [accepted, byNode] = [0, 0]
    for (let round = 0; round < ROUNDS; round++) {
      const head = random() < 0.1
      const bytes = Buffer.from(mutant(random), 'latin1')
      const raw = toldByRaw(bytes, head)
      const node = toldByNode(raw.whole ? bytes.subarray(0, raw.end) : bytes, head)
      if (node.whole) byNode++
      if (!raw.whole) continue
      accepted++
      const what = JSON.stringify(bytes.toString('latin1'))
      assert.ok(node.whole, `node refuses ${what}`)
      const { end: _end, ...told } = raw
      const { end: _last, ...known } = node
      assert.deepEqual(told, known, what)
    }
    t.diagnostic(`${accepted} of ${ROUNDS} accepted, ${byNode} by node`)
    // Neither a reader that refuses everything nor a generator of garbage would prove anything.
    assert.ok(accepted > ROUNDS / 10, `${accepted} accepted`)
    assert.ok(accepted < ROUNDS * 0.9)
  })

  it('a hundredth of them over `http.request` itself: the same', async () => {
    const random = seeded(SEED + 3)
    let accepted = 0
    for (let round = 0; round < ROUNDS / 100; round++) {
      const head = random() < 0.1
      const bytes = Buffer.from(mutant(random), 'latin1')
      const raw = toldByRaw(bytes, head)
      if (!raw.whole) continue
      accepted++
      assert.deepEqual(
        await toldByRequest(bytes.subarray(0, raw.end), head),
        raw,
        JSON.stringify(bytes.toString('latin1')),
      )
    }
    assert.ok(accepted > ROUNDS / 1000)
  })

  it('however they are cut into pieces, they are read the same', () => {
    const random = seeded(SEED + 1)
    for (let round = 0; round < ROUNDS / 4; round++) {
      const head = random() < 0.1
      const bytes = Buffer.from(mutant(random), 'latin1')
      const cuts = Array.from({ length: 1 + Math.floor(random() * 6) }, () => Math.floor(random() * bytes.length))
      const every = Array.from(bytes.keys()).slice(1)
      const whole = toldByRaw(bytes, head)
      const cut = toldByRaw(bytes, head, random() < 0.2 ? every : cuts.sort((a, b) => a - b))
      // What was wrong is found at the latest at the same place: the rest is not compared.
      if (whole.whole || cut.whole) assert.deepEqual(cut, whole, JSON.stringify(bytes.toString('latin1')))
      else assert.ok(whole.body.startsWith(cut.body) || cut.body.startsWith(whole.body))
    }
  })

  it('ten thousand pieces of noise crash nothing', () => {
    const random = seeded(SEED + 2)
    for (let round = 0; round < 10_000; round++) {
      const bytes = Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)))
      assert.equal(toldByRaw(bytes, false).whole, false)
      const body = Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'), bytes])
      assert.equal(toldByRaw(body, false).whole && !toldByNode(body, false).whole, false)
    }
  })
})
