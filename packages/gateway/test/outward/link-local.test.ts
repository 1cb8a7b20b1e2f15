import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { describe, it } from 'node:test'
import { guardedLookup, isLinkLocal } from '../../src/outward/index.ts'

const BLOCKED = [
  'http://169.254.169.254',
  'http://169.254.0.1:8080',
  // As the URL parser reads them, all of these are 169.254.169.254.
  'http://2852039166',
  'http://0xA9FEA9FE',
  'http://0xa9.0xfe.0xa9.0xfe',
  'http://0251.0376.0251.0376',
  'http://0251.254.0xa9.254',
  'http://169.254.43518',
  'http://169.16689662',
  'http://169.254.169.254.',
  'http://１６９.２５４.１６９.２５４',
  'http://169。254。169。254',
  'http://[::ffff:169.254.169.254]',
  'http://[::FFFF:A9FE:A9FE]',
  'http://[0:0:0:0:0:ffff:a9fe:a9fe]',
  'http://[::169.254.169.254]',
  'http://[64:ff9b::169.254.169.254]',
  'http://[2002:a9fe:a9fe::1]',
  'http://[fe80::1]',
  'http://[febf:ffff::1]',
  'http://[fd00:ec2::254]',
  'http://[fd00:0ec2:0:0:0:0:0:254]',
  'http://[fd20:ce::254]',
  'http://100.100.100.200',
  'http://[::ffff:100.100.100.200]',
  'http://192.0.0.192',
  'http://168.63.129.16',
]

const ALLOWED = [
  'http://127.0.0.1',
  'http://2130706433',
  'http://[::1]',
  'http://10.0.0.5',
  'http://172.16.3.4',
  'http://192.168.0.1',
  'http://[fd00::1]',
  'http://[fec0::1]',
  'http://169.253.255.255',
  'http://169.255.0.0',
  'http://100.100.100.201',
  'http://[::ffff:169.253.0.1]',
  'http://[fd00:ec2::253]',
  // A name is looked up, whatever it is called.
  'http://metadata.google.internal',
  'http://169.254.169.254.example',
]

describe('isLinkLocal', () => {
  for (const url of BLOCKED)
    it(`is true for ${url}`, () => {
      assert.equal(isLinkLocal(new URL(url).hostname), true)
    })
  for (const url of ALLOWED)
    it(`is false for ${url}`, () => {
      assert.equal(isLinkLocal(new URL(url).hostname), false)
    })
  it('tells in more than 200 spellings, and not more than that', () => {
    let spellings = 0
    for (const [net, blocked] of [
      ['169.254', true],
      ['169.253', false],
      ['169.255', false],
      ['168.254', false],
      ['10.254', false],
    ] as const)
      for (const host of ['0.0', '0.1', '169.254', '170.2', '255.255']) {
        const octets = `${net}.${host}`.split('.').map(Number) as [number, number, number, number]
        const [a, b, c, d] = octets
        const [high, low] = [a * 256 + b, c * 256 + d]
        for (const spelled of [
          octets.join('.'),
          `${octets.join('.')}.`,
          octets.map((octet) => `0x${octet.toString(16)}`).join('.'),
          octets.map((octet) => `0${octet.toString(8)}`).join('.'),
          `${high * 65_536 + low}`,
          `0x${(high * 65_536 + low).toString(16)}`,
          `0${(high * 65_536 + low).toString(8)}`,
          `${a}.${b}.${low}`,
          `0x${a.toString(16)}.${b * 65_536 + low}`,
          `[::ffff:${octets.join('.')}]`,
          `[::ffff:${high.toString(16)}:${low.toString(16)}]`,
          `[0:0::ffff:${high.toString(16)}:${low.toString(16)}]`,
          `[::${octets.join('.')}]`,
          `[64:ff9b::${high.toString(16)}:${low.toString(16)}]`,
          `[2002:${high.toString(16)}:${low.toString(16)}::]`,
        ]) {
          assert.equal(isLinkLocal(new URL(`http://${spelled}`).hostname), blocked, spelled)
          spellings++
        }
      }
    assert.ok(spellings > 200, `${spellings}`)
  })

  it('leaves out the zone of an address', () => {
    assert.equal(isLinkLocal('fe80::1%eth0'), true)
  })
})

/** Answers with these, and counts how often it is asked. */
function resolver(...addresses: readonly string[]) {
  const asked: string[] = []
  const lookup: LookupFunction = (hostname, options, callback) => {
    asked.push(hostname)
    assert.equal(options.all, true)
    const all = addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }))
    callback(null, all)
  }
  return { asked, lookup }
}

function answerOf(lookup: LookupFunction, all: boolean): Promise<unknown> {
  return new Promise((resolve, reject) => {
    lookup('some.example', { all }, (error, found, family) =>
      error === null ? resolve(all ? found : [found, family]) : reject(error),
    )
  })
}

describe('guardedLookup', () => {
  it('leaves out what it may not lead to, and asks once', async () => {
    const { asked, lookup } = resolver('169.254.169.254', '10.0.0.1', '::ffff:a9fe:1', '::1')
    const guarded = guardedLookup(lookup)
    const left = [
      { address: '10.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ]
    assert.deepEqual(await answerOf(guarded, true), left)
    assert.deepEqual(await answerOf(guarded, false), ['10.0.0.1', 4])
    assert.deepEqual(asked, ['some.example', 'some.example'])
  })

  it('fails where nothing is left, and as the resolver fails', async () => {
    const guarded = guardedLookup(resolver('169.254.169.254', 'fe80::1').lookup)
    for (const all of [true, false]) await assert.rejects(answerOf(guarded, all), { code: 'ELINKLOCAL' })
    const broken: LookupFunction = (_hostname, _options, callback) =>
      callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), [])
    await assert.rejects(answerOf(guardedLookup(broken), true), { code: 'ENOTFOUND' })
  })

  it('takes what a resolver of the older kind says', async () => {
    const one: LookupFunction = (_hostname, _options, callback) => callback(null, '10.0.0.2', 4)
    assert.deepEqual(await answerOf(guardedLookup(one), true), [{ address: '10.0.0.2', family: 4 }])
  })
})
