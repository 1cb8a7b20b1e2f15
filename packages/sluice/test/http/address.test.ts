import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { isV4, networkOf, parseAddress, sharesPrefix, spell } from '../../src/http/address.ts'

describe('parseAddress', () => {
  it('reads every spelling of one address as one', () => {
    for (const [spellings, one] of [
      [['192.0.2.1', '::ffff:192.0.2.1', '::FFFF:c000:201', '0:0:0:0:0:ffff:192.0.2.1'], '192.0.2.1'],
      [['2001:db8::1', '2001:DB8:0:0:0:0:0:1', '2001:0db8::0001', '2001:db8:0:0::0:1'], '2001:db8:0:0:0:0:0:1'],
      [['::1', '0:0:0:0:0:0:0:1', '::0.0.0.1'], '0:0:0:0:0:0:0:1'],
      [['fe80::1%eth0', 'fe80::1'], 'fe80:0:0:0:0:0:0:1'],
      [['::', '0::0'], '0:0:0:0:0:0:0:0'],
    ] as const)
      for (const text of spellings) assert.equal(spell(parseAddress(text)!), one, text)
  })

  it('refuses what some read one way and some another', () => {
    for (const text of [
      '',
      ' ',
      '1',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.256',
      '01.2.3.4',
      '1.2.3.04',
      '0x1.2.3.4',
      '1.2.3.4 ',
      ' 1.2.3.4',
      '1.2.3.4/8',
      '1.2.3.4:80',
      '1.2.3.4%eth0',
      '[::1]',
      '::1::',
      ':::',
      ':1',
      '1:',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1::2:3:4:5:6:7:8',
      '12345::',
      'g::',
      '::1.2.3',
      '1.2.3.4::',
      '::1.2.3.4:5',
      'fe80::1%',
      'localhost',
      '::ffff:1.2.3.456',
      `${'0'.repeat(80)}::1`,
    ])
      assert.equal(parseAddress(text), undefined, JSON.stringify(text))
  })

  it('agrees with the platform on what is an address', () => {
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.%'.split('')), maxLength: 20 }),
    )
    fc.assert(
      fc.property(text, (one) => {
        // node:net takes any zone, and zones of IPv4 not at all, as here.
        assert.equal(parseAddress(one) !== undefined, isIP(one) !== 0, one)
      }),
      { numRuns: 5000, seed: 1 },
    )
  })
})

describe('sharesPrefix', () => {
  it('compares bits, not groups', () => {
    const [a, b] = [parseAddress('10.0.0.1')!, parseAddress('10.0.1.1')!]
    assert.ok(sharesPrefix(a, b, 96 + 23))
    assert.ok(!sharesPrefix(a, b, 96 + 24))
    assert.ok(sharesPrefix(a, a, 128))
    assert.ok(sharesPrefix(a, parseAddress('2001:db8::')!, 0))
  })
})

describe('networkOf', () => {
  it('counts a /64 as one, and an IPv4 address as itself', () => {
    assert.equal(networkOf('2001:db8::1'), networkOf('2001:db8:0:0:ffff::2'))
    assert.notEqual(networkOf('2001:db8::1'), networkOf('2001:db8:0:1::1'))
    assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1')
    assert.equal(networkOf('a socket'), 'a socket')
    assert.ok(isV4(parseAddress('::ffff:1.2.3.4')!) && !isV4(parseAddress('::1')!))
  })
})
