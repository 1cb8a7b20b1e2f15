import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, it } from 'node:test'
import { RejectedError } from 'sluice'
import type { Identity } from '../../src/tenants/index.ts'
import { tokens, type TokenReader } from '../../src/tenants/tokens.ts'

const SECRET = 'a secret of more than thirty-two signs'
/** So many bad tokens, more than are remembered. `SLUICE_FLOOD=100000` for what `SECURITY.md` says. */
const FLOOD = Number(process.env['SLUICE_FLOOD'] ?? 15_000)
const coded = (data: unknown): string => Buffer.from(JSON.stringify(data)).toString('base64url')
const HEADER = coded({ alg: 'HS256' })

function signed(sub: string, secret = SECRET): string {
  const text = `${HEADER}.${coded({ sub })}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

function reader(): Promise<TokenReader> {
  const common = { required: true, fair: true, max: 10, labels: 'hash', claim: 'sub', allowLinkLocal: false } as const
  return tokens({ from: 'jwt', secret: SECRET, ...common })
}

/** At most so many at once, as a flood that is served. */
async function flood(read: TokenReader, count: number, token: (number: number) => string): Promise<void> {
  for (let sent = 0; sent < count; sent += 500) {
    const some = Array.from(
      { length: Math.min(500, count - sent) },
      async (_, i) => await read(token(sent + i), 'flood'),
    )
    await Promise.all(some)
  }
}

/** True where nothing has to be verified. */
const isKnown = (found: ReturnType<TokenReader>): found is Identity =>
  found !== undefined && !(found instanceof Promise)

describe('tokens', () => {
  it('a flood of different bad ones leaves a good one known, and memory bounded', async () => {
    const read = await reader()
    const good = signed('ann')
    assert.deepEqual(await read(good), { tenant: 'ann', roles: [] })
    const bad = (number: number): string => signed(`bad-${number}`, 'wrong')
    await flood(read, FLOOD, bad)
    assert.ok(isKnown(read(good)))
    assert.equal(read(bad(FLOOD - 1)), undefined)
    assert.ok(read(bad(0)) instanceof Promise, 'the first bad one is still remembered')
  })

  it('control: more good ones than are remembered do push it out', async () => {
    const read = await reader()
    const good = signed('ann')
    await read(good)
    await flood(read, 10_000, (number) => signed(`tenant-${number}`))
    assert.ok(read(good) instanceof Promise)
  })

  it('of those nobody knows few are verified at once, and who sends one is not behind who sends thousands', async () => {
    const read = await reader()
    const good = signed('ann')
    const refused: string[] = []
    const send = (from: string, number: number): void => {
      const found = read(signed(`bad-${number}`, 'wrong'), from)
      assert.ok(found instanceof Promise)
      found.catch((error: unknown) => refused.push(error instanceof RejectedError ? error.code : String(error)))
    }
    for (let number = 0; number < 5000; number++) send('flood', number)
    const late = await read(good, 'ann')
    assert.deepEqual(late, { tenant: 'ann', roles: [] })
    // 16 are verified, 1000 wait; Ann took the place of the one that came last of them.
    assert.deepEqual([...new Set(refused)].sort(), ['evicted', 'queue_full'])
    assert.equal(refused.length, 5000 - 1016 + 1)
    assert.equal(refused.filter((code) => code === 'evicted').length, 1)
  })

  it('control: from the same sender it is one too many', async () => {
    const read = await reader()
    const all = Array.from({ length: 5000 }, async (_, number) => await read(signed(`bad-${number}`, 'wrong'), 'flood'))
    const settled = Promise.allSettled(all)
    await assert.rejects(async () => await read(signed('ann'), 'flood'), { name: 'RejectedError', code: 'queue_full' })
    await settled
  })

  it('what is no token in form is bad without being verified', async () => {
    const read = await reader()
    for (const word of ['', 'x', 'a.b', 'a.b.', '.b.c', 'a.b.c.d', 'a.b.c=', 'a.b+.c', 'x'.repeat(9000)])
      assert.equal(read(word), undefined, word.slice(0, 20))
  })

  it('the same token is verified once, however many bring it at once', async () => {
    const read = await reader()
    const good = signed('ann')
    const all = Array.from({ length: 100 }, (_, i) => read(good, `address-${i}`))
    assert.equal(new Set(all).size, 1)
    assert.deepEqual(await all[0], { tenant: 'ann', roles: [] })
  })
})
