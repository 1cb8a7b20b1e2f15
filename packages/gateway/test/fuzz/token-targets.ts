import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { FuzzTarget } from '../../../sluice/dist/test/fuzz/fuzz-target.js'
import { bearer } from '../../src/admin/bearer.ts'
import { apiKeys } from '../../src/tenants/api-keys.ts'
import { tokens } from '../../src/tenants/tokens.ts'

const SECRET = 'a secret of more than thirty-two signs'
const KEY = 'a-key-of-sixteen-signs-and-more'

const coded = (data: unknown): string => Buffer.from(JSON.stringify(data)).toString('base64url')

function signed(header: unknown, payload: unknown, secret = SECRET): string {
  const text = `${coded(header)}.${coded(payload)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

const HS256 = { alg: 'HS256', typ: 'JWT' }
const GOOD = signed(HS256, { sub: 'acme', role: 'admin' })

const read = await tokens({
  from: 'jwt',
  secret: SECRET,
  claim: 'sub',
  roleClaim: 'role',
  allowLinkLocal: false,
  required: true,
  fair: true,
  max: 10,
  labels: 'hash',
})
const find = apiKeys(Object.fromEntries([['acme', { key: KEY, role: 'admin' }]]))

function isGenuine(token: string): boolean {
  const [header = '', payload = '', signature = '', ...more] = token.split('.')
  const right = createHmac('sha256', SECRET).update(`${header}.${payload}`).digest()
  return more.length === 0 && Buffer.from(signature, 'base64url').equals(right)
}

export const targets: readonly FuzzTarget[] = [
  {
    name: 'jwt',
    weight: 2,
    isAsync: true,
    along: 8,
    seeds: [
      GOOD,
      signed({ alg: 'none' }, { sub: 'acme' }),
      `${coded({ alg: 'none' })}.${coded({ sub: 'acme' })}.`,
      signed({ alg: 'HS512' }, { sub: 'acme' }),
      signed(HS256, { sub: 'acme', exp: 1 }),
      signed(HS256, { sub: '__proto__' }, 'another secret of thirty-two signs'),
      signed(HS256, { sub: { toString: 1 } }),
    ],
    words: ['.', '..', '=', coded({ alg: 'none' }), coded({ sub: 'root' }), coded({ __proto__: 1 }), 'eyJ'],
    async check(input) {
      const identity = await read(input)
      if (identity === undefined) return
      assert.ok(isGenuine(input), 'a token nobody signed')
      assert.ok(identity.tenant === 'acme' || identity.tenant === '__proto__')
    },
  },
  {
    name: 'keys',
    weight: 3,
    seeds: [KEY, `Bearer ${KEY}`, '__proto__', 'constructor'],
    words: ['Bearer ', 'bearer  ', ' ', 'Basic ', 'toString'],
    check(input) {
      if (find(input) !== undefined) assert.equal(input, KEY)
      const req = new IncomingMessage(new Socket())
      req.headers.authorization = input
      if (bearer(req, KEY)) assert.match(input, new RegExp(`^bearer +${KEY} *$`, 'i'))
      assert.equal(bearer(req, undefined), false)
    },
  },
]
