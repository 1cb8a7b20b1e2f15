import assert from 'node:assert/strict'
import { BlockList, isIP } from 'node:net'
import { isV4, networkOf, parseAddress, spell } from '../../src/http/address.ts'
import { trust } from '../../src/http/index.ts'
import type { FuzzTarget } from './fuzz-target.ts'

const ADDRESSES = [
  '192.0.2.1',
  '2001:db8::1',
  '::ffff:10.0.0.1',
  '::',
  'fe80::1%eth0',
  '1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:1.2.3.4',
] as const
const PIECES = [':', '::', '.', '%', '/', '0', 'ffff', '256', '010', '1.2.3.4', '::ffff:', ']', '[', ', ', '/8', '/129']

/** In node's view, which has no word for a zone without a name. */
function mapped(text: string): string {
  return isIP(text) === 4 ? `::ffff:${text}` : text
}

function isWithin(address: string, network: string, bits: number): boolean {
  const list = new BlockList()
  list.addSubnet(mapped(network), isIP(network) === 4 ? bits + 96 : bits, 'ipv6')
  return list.check(mapped(address), 'ipv6')
}

const believing = trust(['loopback', 'private', '2001:db8::/32'])

export const targets: readonly FuzzTarget[] = [
  {
    name: 'address',
    weight: 10,
    seeds: ADDRESSES,
    words: PIECES,
    check(input) {
      const read = parseAddress(input)
      // Zones are nobody's business but the host's; node takes names in them that we need not.
      if (!input.includes('%')) assert.equal(read !== undefined, isIP(input) !== 0 && input.length <= 64)
      if (read === undefined) {
        assert.equal(networkOf(input), input)
        return
      }
      assert.equal(read.length, 8)
      assert.ok(read.every((group) => Number.isInteger(group) && group >= 0 && group <= 0xffff))
      assert.deepEqual(parseAddress(spell(read)), read)
      assert.equal(isIP(spell(read)), isV4(read) ? 4 : 6)
    },
  },
  {
    name: 'trust',
    weight: 4,
    seeds: ['10.0.0.0/8', 'loopback', 'fd00::/8', '::ffff:10.0.0.0/104', '192.0.2.1', '0.0.0.0/0', '::/0'],
    words: PIECES,
    check(input) {
      let believes: (peer: string) => boolean
      try {
        const read = trust([input])
        believes = (peer) => read.believes(peer)
      } catch (error) {
        assert.ok(error instanceof RangeError)
        assert.match(error.message, /^trust: expected /)
        return
      }
      const [, network, bits] = /^([^/]+)(?:\/(\d+))?$/.exec(input) ?? []
      if (network === undefined || isIP(network) === 0 || input.includes('%')) return
      const most = isIP(network) === 4 ? 32 : 128
      for (const peer of ['10.1.2.3', '127.0.0.1', '::1', '2001:db8::5', '::ffff:10.1.2.3', 'fd00::1', '0.0.0.0'])
        assert.equal(believes(peer), isWithin(peer, network, Number(bits ?? most)), peer)
    },
  },
  {
    name: 'x-forwarded-for',
    weight: 6,
    seeds: ['203.0.113.7', '203.0.113.7, 10.0.0.1', '[2001:db8::1]:443, 127.0.0.1', 'unknown, 198.51.100.1:80'],
    words: [...PIECES, ',', ' ,', '127.0.0.1', 'for=', ':80', '\t'],
    check(input) {
      // A stranger is who it is, whatever it says.
      assert.equal(believing.client('203.0.113.9', input), '203.0.113.9')
      const told = believing.client('::ffff:127.0.0.1', input)
      assert.ok(told !== undefined && isIP(told) !== 0, told)
      // It is the peer, or it was really written there.
      if (told === '127.0.0.1') return
      const said = new Set(
        input.split(',').flatMap((part) => {
          const bare = part.trim().replace(/^\[([^\]]*)\](?::\d{1,5})?$/, '$1')
          const address = parseAddress(bare) ?? parseAddress(bare.replace(/:\d{1,5}$/, ''))
          return address === undefined ? [] : [spell(address)]
        }),
      )
      assert.ok(said.has(told), told)
    },
  },
]
